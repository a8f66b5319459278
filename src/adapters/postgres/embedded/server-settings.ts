/** What the engine's server is told about this start; everything else is the same for every engine. */
export interface ServerSettings {
  readonly port: number;
  /** False gives up crash safety for speed; only for data that is thrown away. */
  readonly durable: boolean;
}

// Chosen for a machine with two cores and a few GB of memory, where Node needs a core of its own. They are passed on the
// command line and not written to postgresql.conf, so that a newer Tollkeeper brings its settings to existing data.
const COMMON_SETTINGS: Readonly<Record<string, string>> = {
  // Loopback with scram passwords only. A socket would add a second door, in a directory that must be found and guarded.
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  // A pipeline needs up to about 60: each of its queues has a small pool of its own. Commands come on top.
  max_connections: '200',
  shared_buffers: '256MB',
  effective_cache_size: '1GB',
  work_mem: '16MB',
  maintenance_work_mem: '128MB',
  wal_buffers: '16MB',
  // The first change of a page after a checkpoint logs all of it; wallet rows are half empty and alike, and compress well.
  wal_compression: 'pglz',
  // Room for minutes of full-speed intake between checkpoints, without keeping a gigabyte once it is quiet.
  max_wal_size: '2GB',
  min_wal_size: '256MB',
  checkpoint_timeout: '15min',
  random_page_cost: '1.1',
  // Our statements are short and there is no spare core: compiling and parallel plans only add latency here.
  jit: 'off',
  max_parallel_workers_per_gather: '0',
  timezone: 'UTC',
  log_timezone: 'UTC',
  lc_messages: 'C',
  logging_collector: 'off',
  log_destination: 'stderr',
  log_line_prefix: '',
  cluster_name: 'tollkeeper',
};

const DURABLE = { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' };
const THROWAWAY = { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' };

/** The settings as `postgres` command-line arguments. */
export function serverArguments({ port, durable }: ServerSettings): readonly string[] {
  const settings = { ...COMMON_SETTINGS, ...(durable ? DURABLE : THROWAWAY), port: `${port}` };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}
