import type { Books, CliContext } from './context.ts';

/** Opens the books for as long as the work takes. */
export async function withBooks<T>(context: CliContext, work: (books: Books) => Promise<T>): Promise<T> {
  const books = await context.openBooks();
  try {
    return await work(books);
  } finally {
    await books.close();
  }
}
