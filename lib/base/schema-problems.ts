import type { $ZodError } from 'zod/v4/core';
import { valueText } from './value-text.js';

/** What a schema found wrong, on one line: each field, what was expected of it and what came. Parse with `reportInput`. */
export function schemaProblems(error: $ZodError): string {
  return error.issues
    .map((issue) => {
      const field = issue.path.join('.');
      const came =
        issue.input === undefined || issue.code === 'unrecognized_keys' ? '' : `, got ${valueText(issue.input)}`;
      const text = issue.message
        .replace(/^(Invalid (input|option): |Too (small|big): )?/, '')
        .replace(/, received \S+$/, '');
      return `${field === '' ? '' : `${field}: `}${text}${came}`;
    })
    .join('; ');
}
