using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.optim;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Steps scaled by a running average of the squared gradient.</summary>
        /// <remarks>Tieleman and Hinton, Lecture 6.5, "Neural Networks for Machine Learning", 2012; centered: Graves, 2013, arXiv:1308.0850.</remarks>
        public class RMSProp : OptimizerHelper, IMomentum
        {
            public RMSProp(IEnumerable<Parameter> parameters, double lr = 1e-3, double alpha = 0.99, double eps = 1e-8, double weight_decay = 0, double momentum = 0, bool centered = false, bool maximize = false)
                : this([new ParamGroup { Parameters = parameters }], lr, alpha, eps, weight_decay, momentum, centered, maximize) { }

            public RMSProp(IEnumerable<ParamGroup> parameters, double lr = 1e-3, double alpha = 0.99, double eps = 1e-8, double weight_decay = 0, double momentum = 0, bool centered = false, bool maximize = false)
            {
                Require(lr >= 0, "learning rate", lr);
                Require(alpha >= 0, "alpha", alpha);
                Require(eps >= 0, "eps", eps);
                Require(weight_decay >= 0, "weight_decay", weight_decay);
                Require(momentum >= 0, "momentum", momentum);
                _defaults = new Options { LearningRate = lr, InitialLearningRate = lr, alpha = alpha, eps = eps, weight_decay = weight_decay, momentum = momentum, centered = centered, maximize = maximize };
                foreach (var group in parameters)
                    add_param_group(group);
            }

            public double Momentum
            {
                get => ((Options)_defaults).momentum!.Value;
                set => ((Options)_defaults).momentum = value;
            }

            public override void add_param_group(Modules.ParamGroup param_group) => AddGroup<Options>(param_group, parameter => new State(parameter));

            public override Tensor? step(Func<Tensor>? closure = null) => _step<Modules.ParamGroup>(group =>
            {
                var options = (Options)group.Options;
                var (lr, alpha, momentum) = (options.LearningRate!.Value, options.alpha!.Value, options.momentum!.Value);
                foreach (var batch in Gather<State>(group))
                {
                    var (parameters, gradients) = (batch.Parameters, batch.Gradients(options.maximize!.Value, options.weight_decay!.Value));
                    var square = batch.Of(state => state.square_avg);
                    Foreach.Mul_(square, alpha);
                    Foreach.AddCMul_(square, gradients, gradients, 1 - alpha);
                    var denominator = Foreach.Sqrt(options.centered!.Value ? Centered(batch, square, gradients, alpha) : square);
                    Foreach.Add_(denominator, options.eps!.Value);
                    if (momentum > 0)
                    {
                        var buffers = batch.Of(state => state.momentum_buffer!);
                        Foreach.Mul_(buffers, momentum);
                        Foreach.AddCDiv_(buffers, gradients, denominator);
                        Foreach.Add_(parameters, buffers, -lr);
                    }
                    else
                    {
                        Foreach.AddCDiv_(parameters, gradients, denominator, -lr);
                    }
                    foreach (var state in batch.States)
                        state.step++;
                }
            }, closure);

            /// <summary>The running variance: the running square less the square of the running mean.</summary>
            private static Tensor[] Centered(UpdateBatch<State> batch, Tensor[] square, Tensor[] gradients, double alpha)
            {
                var mean = batch.Of(state => state.grad_avg!);
                Foreach.Mul_(mean, alpha);
                Foreach.Add_(mean, gradients, 1 - alpha);
                var result = new Tensor[square.Length];
                for (var i = 0; i < result.Length; i++)
                    result[i] = square[i].addcmul(mean[i], mean[i], -1);
                return result;
            }

            public class Options : OptimizerOptions
            {
                public bool? maximize;
                public double? momentum;
                public double? alpha;
                public double? eps;
                public double? weight_decay;
                public bool? centered;

                private protected override void Visit(OptimizerFields fields)
                {
                    fields.Option(ref maximize);
                    fields.Option(ref momentum);
                    fields.Option(ref alpha);
                    fields.Option(ref eps);
                    fields.Option(ref weight_decay);
                    fields.Option(ref centered);
                }
            }

            public class ParamGroup : ParamGroup<Options>, IMomentum
            {
                public ParamGroup() { }

                public ParamGroup(IEnumerable<Parameter> parameters, Options options) : base(parameters, options) { }

                public ParamGroup(IEnumerable<Parameter> parameters, double lr = 1e-3, double eps = 1e-8, double alpha = 0.99, double weight_decay = 0, double momentum = 0, bool centered = false)
                    : base(parameters, new Options { LearningRate = lr, eps = eps, alpha = alpha, weight_decay = weight_decay, momentum = momentum, centered = centered }) { }

                public double Momentum
                {
                    get => Options.momentum!.Value;
                    set => Options.momentum = value;
                }
            }

            public sealed class State : OptimizerState, IDisposable
            {
                public long step;
                public Tensor square_avg = null!;
                public Tensor? momentum_buffer;
                public Tensor? grad_avg;

                public State(Parameter parameter) : base(parameter) { }

                public void Dispose() => Free();

                public override void Initialize(OptimizerOptions options)
                {
                    Free();
                    (step, square_avg, momentum_buffer, grad_avg) = (0, Zeros(), Zeros(), Zeros());
                }

                private protected override void Visit(OptimizerFields fields)
                {
                    fields.Number(ref step);
                    fields.Required(ref square_avg);
                    fields.Optional(ref momentum_buffer);
                    fields.Optional(ref grad_avg);
                }
            }
        }
    }

    public static partial class torch
    {
        public static partial class optim
        {
            public static RMSProp RMSProp(IEnumerable<Parameter> parameters, double lr = 0.01, double alpha = 0.99, double eps = 1e-8, double weight_decay = 0, double momentum = 0, bool centered = false, bool maximize = false)
                => new(parameters, lr, alpha, eps, weight_decay, momentum, centered, maximize);

            public static RMSProp RMSProp(IEnumerable<(string name, Parameter parameter)> parameters, double lr = 0.01, double alpha = 0.99, double eps = 1e-8, double weight_decay = 0, double momentum = 0, bool centered = false, bool maximize = false)
                => new(parameters.Select(named => named.parameter), lr, alpha, eps, weight_decay, momentum, centered, maximize);

            public static RMSProp RMSProp(IEnumerable<RMSProp.ParamGroup> parameters, double lr = 0.01, double alpha = 0.99, double eps = 1e-8, double weight_decay = 0, double momentum = 0, bool centered = false, bool maximize = false)
                => new(parameters, lr, alpha, eps, weight_decay, momentum, centered, maximize);
        }
    }
}
