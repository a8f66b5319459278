/** Text that customers may send as an id or a name, and what each would do if it were shown as it is. */
export const HOSTILE_TEXTS = [
  '<script>document.title="ran"</script>',
  '"><img src=x onerror=alert(1)>',
  "'><svg onload=alert(1)>",
  '</style></title><iframe src=https://example.com>',
  '=cmd|"/C calc"!A0',
  '\u001b]8;;https://example.com\u0007click\u001b[31m red',
  'acct_\u202egpj.exe\u202c',
  'javascript:alert(1)//&lt;b&gt;',
] as const;

/** Escape sequences and other controls, and marks that turn or hide text. Line breaks and tabs are no part of it. */
export const ACTING_CHARACTERS = /(?![\t\n\r])[\p{Cc}\p{Cf}]/u;
