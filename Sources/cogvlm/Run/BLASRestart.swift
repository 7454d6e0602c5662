import CogBase
import CogCompute
import Glibc

/// Starts the program again with the kernels that OpenBLAS should have chosen.
enum BLASRestart {
  /// Does nothing where the choice is right, was made by the user, or cannot be made anew: what follows is
  /// slower then, not wrong. Called before anything else is done; the process stays the same one.
  static func ifNeeded() {
    guard getenv(BLASCore.variable) == nil,
      let core = BLASCore.better(than: BLASCore.name, kernels: KernelSet.fastest.name)
    else { return }
    setenv(BLASCore.variable, core, 1)
    execv("/proc/self/exe", CommandLine.unsafeArgv)
    // Programs that this one starts choose for themselves.
    unsetenv(BLASCore.variable)
  }
}
