using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.optim;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Stochastic gradient descent, with momentum if wanted.</summary>
        /// <remarks>Nesterov's form: Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013.</remarks>
        public class SGD : OptimizerHelper, IMomentum
        {
            public SGD(IEnumerable<Parameter> parameters, double lr, double momentum = 0.0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false)
                : this([new ParamGroup { Parameters = parameters }], lr, momentum, dampening, weight_decay, nesterov, maximize) { }

            public SGD(IEnumerable<ParamGroup> parameters, double lr, double momentum = 0.0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false)
            {
                Require(lr >= 0, "learning rate", lr);
                Require(momentum >= 0, "momentum", momentum);
                Require(dampening >= 0, "dampening", dampening);
                Require(weight_decay >= 0, "weight_decay", weight_decay);
                if (nesterov && (momentum == 0 || dampening != 0))
                    throw new ArgumentException("Nesterov momentum requires a momentum and zero dampening.");
                _defaults = new Options { LearningRate = lr, InitialLearningRate = lr, momentum = momentum, dampening = dampening, weight_decay = weight_decay, nesterov = nesterov, maximize = maximize };
                foreach (var group in parameters)
                    add_param_group(group);
            }

            private readonly FusedPass<SgdKernel> _fused = new();

            internal override FusedPass Fused => _fused;

            public double Momentum
            {
                get => ((Options)_defaults).momentum!.Value;
                set => ((Options)_defaults).momentum = value;
            }

            public override void add_param_group(Modules.ParamGroup param_group) => AddGroup<Options>(param_group, parameter => new State(parameter));

            public override Tensor? step(Func<Tensor>? closure = null) => _step<Modules.ParamGroup>(group =>
            {
                var options = (Options)group.Options;
                var (momentum, dampening) = (options.momentum!.Value, options.dampening!.Value);
                foreach (var batch in Gather<State>(group, state => state.momentum_buffer is null ? 0 : 1, (parameter, gradient, state) => Fuse(options, parameter, gradient, state)))
                {
                    var update = batch.Gradients(options.maximize!.Value, options.weight_decay!.Value);
                    if (momentum != 0)
                    {
                        if (batch.Key == 0)
                            for (var i = 0; i < update.Length; i++)
                                batch.States[i].momentum_buffer = update[i].clone().DetachFromDisposeScope();
                        var buffers = batch.Of(state => state.momentum_buffer!);
                        if (batch.Key == 1)
                        {
                            Foreach.Mul_(buffers, momentum);
                            Foreach.Add_(buffers, update, 1 - dampening);
                        }
                        update = options.nesterov!.Value ? Foreach.Add(update, buffers, momentum) : buffers;
                    }
                    Foreach.Add_(batch.Parameters, update, -options.LearningRate!.Value);
                }
            }, closure);

            private bool Fuse(Options options, Parameter parameter, Tensor gradient, State state)
            {
                if (!parameter.is_cpu())
                    return false; // before a buffer is made in vain
                var (momentum, keep, useBuffer) = (options.momentum!.Value, 1 - options.dampening!.Value, options.momentum != 0);
                var first = useBuffer && state.momentum_buffer is null;
                var buffer = !useBuffer ? null : first ? zeros_like(parameter, requires_grad: false) : state.momentum_buffer;
                var kernel = new SgdKernel(options.LearningRate!.Value, first ? 0 : momentum, first ? 1 : keep, options.weight_decay!.Value, useBuffer, options.nesterov!.Value, momentum, options.maximize!.Value);
                if (!_fused.Add(kernel, parameter, gradient, buffer))
                    return false;
                if (first)
                    state.momentum_buffer = buffer!.DetachFromDisposeScope();
                return true;
            }

            public class Options : OptimizerOptions
            {
                public double? momentum;
                public double? dampening;
                public double? weight_decay;
                public bool? nesterov;
                public bool? maximize;

                private protected override void Visit(OptimizerFields fields)
                {
                    fields.Option(ref momentum);
                    fields.Option(ref dampening);
                    fields.Option(ref weight_decay);
                    fields.Option(ref nesterov);
                    fields.Option(ref maximize);
                }
            }

            public class ParamGroup : ParamGroup<Options>, IMomentum
            {
                public ParamGroup() { }

                public ParamGroup(IEnumerable<Parameter> parameters, Options options) : base(parameters, options) { }

                public ParamGroup(IEnumerable<Parameter> parameters, double lr = 1e-3, double momentum = 0.0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false)
                    : base(parameters, new Options { LearningRate = lr, momentum = momentum, dampening = dampening, weight_decay = weight_decay, nesterov = nesterov, maximize = maximize }) { }

                public double Momentum
                {
                    get => Options.momentum!.Value;
                    set => Options.momentum = value;
                }
            }

            public sealed class State : OptimizerState, IDisposable
            {
                public Tensor? momentum_buffer;

                public State(Parameter parameter) : base(parameter) { }

                public void Dispose() => Free();

                public override void Initialize(OptimizerOptions options) => Free();

                private protected override void Visit(OptimizerFields fields)
                {
                    fields.Optional(ref momentum_buffer);
                }
            }
        }
    }

    public static partial class torch
    {
        public static partial class optim
        {
            public static SGD SGD(IEnumerable<Parameter> parameters, double learningRate, double momentum = 0.0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false)
                => new(parameters, learningRate, momentum, dampening, weight_decay, nesterov, maximize);

            public static SGD SGD(IEnumerable<(string name, Parameter parameter)> parameters, double learningRate, double momentum = 0.0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false)
                => new(parameters.Select(named => named.parameter), learningRate, momentum, dampening, weight_decay, nesterov, maximize);

            public static SGD SGD(IEnumerable<SGD.ParamGroup> parameters, double learningRate, double momentum = 0.0, double dampening = 0, double weight_decay = 0, bool nesterov = false, bool maximize = false)
                => new(parameters, learningRate, momentum, dampening, weight_decay, nesterov, maximize);
        }
    }
}
