using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Tessera.Torch;

/// <summary>A part of a network whose inside is not kept for backward, but computed a second time there: memory for time.</summary>
/// <remarks>
/// Chen et al., "Training deep nets with sublinear memory cost", 2016, arXiv:1604.06174. Why it exists: TorchSharp 0.107 has nothing like
/// torch.utils.checkpoint. The second run draws the same random numbers as the first (dropout, stochastic depth), is made in the same
/// precision, and leaves the running statistics of norms alone, so that gradients and statistics are those without it.
/// </remarks>
public static class Recomputed
{
    /// <summary>y = part(x).</summary>
    /// <param name="part">A function of the one tensor and of the parameters, whose result is new memory. It keeps nothing of what it
    /// computes.</param>
    /// <param name="x">Not changed in place until backward has come by.</param>
    /// <param name="parameters">All that the part reads and that have gradients; those that require none are passed over.</param>
    /// <param name="norms">Those within the part.</param>
    /// <returns>The same values; where no gradient is recorded, of a plain run. A graph that is gone through a second time fails.</returns>
    public static Tensor Run(Func<Tensor, Tensor> part, Tensor x, IReadOnlyList<Parameter> parameters, IReadOnlyList<NormBase> norms)
    {
        if (!is_grad_enabled())
            return part(x);
        Tensor[] trained = [.. parameters.Where(parameter => parameter.requires_grad)];
        if (trained.Length == 0 && !x.requires_grad)
            return part(x);
        using var scope = NewDisposeScope();
        return scope.MoveToOuter(Function.apply([x, .. trained, new Pass(part, norms, x, trained)]));
    }

    /// <summary>What the second run needs to be like the first.</summary>
    private sealed class Pass(Func<Tensor, Tensor> part, IReadOnlyList<NormBase> norms, Tensor x, Tensor[] trained)
    {
        private readonly DeviceType _device = x.device_type;
        private readonly ScalarType? _autocast = Autocast.TypeOn(x.device_type);
        private byte[]? _random;
        private long _seed;

        public bool InputNeedsGradient { get; } = x.requires_grad;

        public Tensor[] Trained => trained;

        // With a graph, which is dropped at once: some operators work otherwise, and round otherwise, where none is recorded.
        public Tensor First(Tensor x)
        {
            using var scope = NewDisposeScope();
            if (_device == DeviceType.CUDA)
                Reseed();
            var before = RandomState.Get(CPU);
            Tensor output;
            using (enable_grad())
                output = part(Leaf(x));
            if (_device == DeviceType.CUDA || !before.AsSpan().SequenceEqual(RandomState.Get(CPU)))
                _random = before;
            return scope.MoveToOuter(output.detach());
        }

        /// <summary>The same values, at the beginning of a graph.</summary>
        public Tensor Leaf(Tensor x) => InputNeedsGradient ? x.detach().requires_grad_() : x.detach();

        public Tensor Again(Tensor input)
        {
            var now = _random is null ? null : RandomState.Get(CPU);
            var tracked = Still();
            try
            {
                if (_random is not null)
                    RandomState.Set(CPU, _random);
                if (_device == DeviceType.CUDA)
                    Reseed();
                using var precision = _autocast is { } type ? Autocast.Enter(_device, type) : Autocast.Leave(_device);
                using var recorded = enable_grad();
                return part(input);
            }
            finally
            {
                foreach (var (norm, momentum, batches) in tracked)
                {
                    norm.momentum = momentum;
                    using (no_grad())
                        norm.num_batches_tracked?.copy_(batches!);
                    batches?.Dispose();
                }
                if (now is not null)
                    RandomState.Set(CPU, now);
            }
        }

        // The state of a GPU's generator can't be read; it is seeded by the CPU's before either run.
        private void Reseed()
        {
            if (_seed == 0)
            {
                using var drawn = randint(1, long.MaxValue, [1], dtype: ScalarType.Int64);
                _seed = drawn.item<long>();
            }
            cuda.manual_seed_all(_seed);
        }

        /// <summary>Norms that see a batch again take nothing of it: a share so small that it is lost beside what they have. (TorchSharp
        /// takes a momentum of 0 for another rule.)</summary>
        private (NormBase Norm, double? Momentum, Tensor? Batches)[] Still()
        {
            const double nothing = 1e-300;
            return
            [
                .. norms
                    .Where(norm => norm.training && norm.running_mean is not null)
                    .Select(norm =>
                    {
                        var kept = (norm, norm.momentum, norm.num_batches_tracked?.clone());
                        norm.momentum = nothing;
                        return kept;
                    }),
            ];
        }
    }

    private sealed class Function : autograd.SingleTensorFunction<Function>
    {
        public override string Name => nameof(Recomputed);

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            BackwardResult.FreeReturned();
            var (x, pass) = ((Tensor)vars[0], (Pass)vars[^1]);
            ctx.save_for_backward([x]);
            ctx.save_data(nameof(pass), pass);
            return pass.First(x);
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            BackwardResult.FreeReturned(); // a parameter's gradient is not held twice for long
            var pass = (Pass)ctx.get_data("pass");
            using var scope = NewDisposeScope();
            var input = pass.Leaf(ctx.get_saved_variables()[0]);
            var output = pass.Again(input);
            Tensor[] inputs = pass.InputNeedsGradient ? [input, .. pass.Trained] : pass.Trained;
            var gradients = Derivatives.Through(output, grad_output, inputs);
            IEnumerable<Tensor?> all = [.. pass.InputNeedsGradient ? [] : (Tensor?[])[null], .. gradients, null]; // the pass has none
            return BackwardResult.Of(grad_output, all);
        }
    }
}
