using Tessera.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static Tensor cdist(Tensor x1, Tensor x2, double p = 2.0, compute_mode compute_mode = compute_mode.use_mm_for_euclid_dist_if_necessary) =>
        Op.cdist.Call(x1, x2, p, (long)compute_mode);

    public static Tensor tensordot(Tensor a, Tensor b, long dims = 2) => a.tensordot(b, dims);
    public static Tensor tensordot(Tensor a, Tensor b, (long, long)[] dims) => a.tensordot(b, dims);
    public static Tensor arctan(Tensor input, Tensor other) => input.arctan(other);
    public static Tensor arctan_(Tensor input, Tensor other) => input.arctan_(other);


    public static bool randint_bool(Generator? generator = null) => randint_long(0, 2, generator) == 1;
    public static int randint_int(int high, Generator? generator = null) => (int)randint_long(0, high, generator);
    public static int randint_int(int low, int high, Generator? generator = null) => (int)randint_long(low, high, generator);
    public static long randint_long(long high, Generator? generator = null) => randint_long(0, high, generator);

    public static long randint_long(long low, long high, Generator? generator = null)
    {
        using var number = randint(low, high, Array.Empty<long>(), generator: generator);
        return number.item<long>();
    }

    public static double rand_float(Generator? generator = null)
    {
        using var number = rand(Array.Empty<long>(), dtype: ScalarType.Float64, generator: generator);
        return number.item<double>();
    }

    public static double randn_float(Generator? generator = null)
    {
        using var number = randn(Array.Empty<long>(), dtype: ScalarType.Float64, generator: generator);
        return number.item<double>();
    }

    public static Tensor BoolTensor(Tensor t) => t.to_type(ScalarType.Bool);
    public static Tensor ByteTensor(Tensor t) => t.to_type(ScalarType.Byte);
    public static Tensor ShortTensor(Tensor t) => t.to_type(ScalarType.Int16);
    public static Tensor IntTensor(Tensor t) => t.to_type(ScalarType.Int32);
    public static Tensor LongTensor(Tensor t) => t.to_type(ScalarType.Int64);
    public static Tensor FloatTensor(Tensor t) => t.to_type(ScalarType.Float32);
    public static Tensor DoubleTensor(Tensor t) => t.to_type(ScalarType.Float64);

    public static void _assert(bool condition, string message)
    {
        if (!condition) throw new InvalidOperationException(message);
    }

    public static void _assert(Func<bool> condition, string message) => _assert(condition(), message);

    /// <summary>Makes operators deterministic until the result is disposed; those that have no deterministic form throw.</summary>
    public static IDisposable use_deterministic_algorithms(bool mode = true, bool warn_only = false) => new DeterminismScope(mode, warn_only);

    public static bool are_deterministic_algorithms_enabled() => NativeMethods.tessera_flag(4, -1) != 0;
    public static bool is_deterministic_algorithms_warn_only_enabled() => NativeMethods.tessera_flag(7, -1) != 0;

    private sealed class DeterminismScope : IDisposable
    {
        private readonly int _mode = NativeMethods.tessera_flag(4, -1), _warn = NativeMethods.tessera_flag(7, -1);

        internal DeterminismScope(bool mode, bool warnOnly) => Set(mode ? 1 : 0, warnOnly ? 1 : 0);

        private static void Set(int mode, int warn)
        {
            Check.Result(NativeMethods.tessera_flag(4, mode));
            Check.Result(NativeMethods.tessera_flag(7, warn));
        }

        public void Dispose() => Set(_mode, _warn);
    }
}
