import type { $ZodError } from 'zod/v4/core';

/** What a schema found wrong, on one line: each field, what was expected of it and what came. Parse with `reportInput`. */
export function schemaProblems(error: $ZodError): string {
  return error.issues
    .map((issue) => {
      const field = issue.path.join('.');
      const came = issue.input === undefined || issue.code === 'unrecognized_keys' ? '' : `, got ${shown(issue.input)}`;
      const text = issue.message.replace(/^(Invalid (input|option): |Too (small|big): )?/, '');
      return `${field === '' ? '' : `${field}: `}${text}${text.includes('received') ? '' : came}`;
    })
    .join('; ');
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}
