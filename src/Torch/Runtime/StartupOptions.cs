namespace Tessera.Torch;

/// <summary>What is set before libtorch is loaded; it can't be changed afterwards.</summary>
/// <param name="Threads">Threads of one operator; 0 takes the physical cores that the process may use (or OMP_NUM_THREADS).</param>
/// <param name="PassiveWaiting">Whether idle OpenMP threads sleep after some microseconds instead of spinning for long (OMP_WAIT_POLICY, GOMP_SPINCOUNT); an environment variable that is already set wins.</param>
/// <param name="PreferOpenBlas">Whether OpenBLAS's OpenMP build is loaded in place of the system's default BLAS.</param>
/// <param name="KeepPages">Whether freed memory stays with the process (mallopt; large CPU tensors have a region of their own), so that the next iteration finds it without page faults.</param>
public sealed record StartupOptions(int Threads = 0, bool? PassiveWaiting = true, bool PreferOpenBlas = true, bool KeepPages = true);
