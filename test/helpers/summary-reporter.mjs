/**
 * Vitest reporter: what was skipped and why and the names of what failed, then one last line, `N passed, N failed`. A file
 * that does not load and an error outside of a test count as failures. The names stand at the end for those who see no
 * more than the end of a log.
 */
export default class SummaryReporter {
  onTestRunEnd(testModules, unhandledErrors) {
    let passed = 0;
    const failures = unhandledErrors.map((error) => `outside of a test: ${firstLine(error)}`);
    const skipped = [];
    for (const module of testModules) {
      const name = module.relativeModuleId;
      const add = (errors, title) => failures.push(...errors.map((error) => `${name}${title}: ${firstLine(error)}`));
      add(module.errors(), '');
      for (const suite of module.children.allSuites()) add(suite.errors(), ` > ${suite.fullName}`);
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === 'passed') passed += 1;
        else if (result.state === 'skipped')
          skipped.push(result.note ? `${test.fullName}: ${result.note}` : test.fullName);
        else failures.push(`${name} > ${test.fullName}: ${firstLine(result.errors?.[0])}`);
      }
    }
    for (const name of skipped) console.log(`skipped: ${name}`);
    for (const name of failures) console.log(`failed: ${name}`);
    console.log(`${passed} passed, ${failures.length} failed`);
  }
}

function firstLine(error) {
  return String(error?.message ?? 'no error given').split('\n')[0];
}
