import Glibc

extension Int {
  /// The machine's cores, asked for once: each time it is asked, the C library reads a file.
  package static let availableCores = Swift.max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
}
