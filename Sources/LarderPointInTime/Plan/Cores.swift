import Glibc

/// The machine's cores.
let availableCores = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
