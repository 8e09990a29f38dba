using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.optim;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Averaged stochastic gradient descent.</summary>
        /// <remarks>Polyak and Juditsky, "Acceleration of Stochastic Approximation by Averaging", 1992.</remarks>
        public class ASGD : OptimizerHelper
        {
            public ASGD(IEnumerable<Parameter> parameters, double lr = 1e-2, double lambd = 1e-4, double alpha = 0.75, double t0 = 1e6, double weight_decay = 0, bool maximize = false)
                : this([new ParamGroup { Parameters = parameters }], lr, lambd, alpha, t0, weight_decay, maximize) { }

            public ASGD(IEnumerable<ParamGroup<ASGD.Options>> parameters, double lr = 1e-2, double lambd = 1e-4, double alpha = 0.75, double t0 = 1e6, double weight_decay = 0, bool maximize = false)
            {
                Require(lr >= 0, "learning rate", lr);
                Require(weight_decay >= 0, "weight_decay", weight_decay);
                _defaults = new Options { LearningRate = lr, InitialLearningRate = lr, lambd = lambd, alpha = alpha, t0 = t0, weight_decay = weight_decay, maximize = maximize };
                foreach (var group in parameters)
                    add_param_group(group);
            }

            public override void add_param_group(Modules.ParamGroup param_group) => AddGroup<Options>(param_group, parameter => new State(parameter));

            public override Tensor? step(Func<Tensor>? closure = null) => _step<Modules.ParamGroup>(group =>
            {
                var options = (Options)group.Options;
                var (lr, lambd) = (options.LearningRate!.Value, options.lambd!.Value);
                foreach (var batch in Gather<State>(group))
                {
                    var (parameters, gradients) = (batch.Parameters, batch.Gradients(options.maximize!.Value, options.weight_decay!.Value));
                    for (var i = 0; i < parameters.Length; i++)
                    {
                        var (parameter, state) = (parameters[i], batch.States[i]);
                        state.step++;
                        parameter.mul_(1 - lambd * state.eta).add_(gradients[i], alpha: -state.eta);
                        if (state.mu == 1)
                            state.ax.copy_(parameter);
                        else
                            state.ax.add_(parameter.sub(state.ax).mul_(state.mu));
                        state.eta = lr / Math.Pow(1 + lambd * lr * state.step, options.alpha!.Value);
                        state.mu = 1 / Math.Max(1, state.step - options.t0!.Value);
                    }
                }
            }, closure);

            public class Options : OptimizerOptions
            {
                public bool? maximize;
                public double? lambd;
                public double? alpha;
                public double? weight_decay;
                public double? t0;

                private protected override void Visit(OptimizerFields fields)
                {
                    fields.Option(ref maximize);
                    fields.Option(ref lambd);
                    fields.Option(ref alpha);
                    fields.Option(ref weight_decay);
                    fields.Option(ref t0);
                }
            }

            public class ParamGroup : ParamGroup<Options>
            {
                public ParamGroup() { }

                public ParamGroup(IEnumerable<Parameter> parameters, Options options) : base(parameters, options) { }

                public ParamGroup(IEnumerable<Parameter> parameters, double lr = 1e-2, double lambd = 1e-4, double alpha = 0.75, double t0 = 1e6, double weight_decay = 0)
                    : base(parameters, new Options { LearningRate = lr, lambd = lambd, alpha = alpha, t0 = t0, weight_decay = weight_decay }) { }
            }

            public sealed class State : OptimizerState, IDisposable
            {
                public long step;
                public double eta;
                public double mu;
                public Tensor ax = null!;

                public State(Parameter parameter) : base(parameter) { }

                public void Dispose() => Free();

                public override void Initialize(OptimizerOptions options)
                {
                    Free();
                    (step, eta, mu, ax) = (0, options.LearningRate!.Value, 1, Zeros());
                }

                private protected override void Visit(OptimizerFields fields)
                {
                    fields.Number(ref step);
                    fields.Number(ref eta);
                    fields.Number(ref mu);
                    fields.Required(ref ax);
                }
            }
        }
    }

    public static partial class torch
    {
        public static partial class optim
        {
            public static ASGD ASGD(IEnumerable<Parameter> parameters, double lr = 1e-3, double lambd = 1e-4, double alpha = 0.75, double t0 = 1e6, double weight_decay = 0, bool maximize = false)
                => new(parameters, lr, lambd, alpha, t0, weight_decay, maximize);

            public static ASGD ASGD(IEnumerable<(string name, Parameter parameter)> parameters, double lr = 1e-3, double lambd = 1e-4, double alpha = 0.75, double t0 = 1e6, double weight_decay = 0, bool maximize = false)
                => new(parameters.Select(named => named.parameter), lr, lambd, alpha, t0, weight_decay, maximize);

            public static ASGD ASGD(IEnumerable<ParamGroup<ASGD.Options>> parameters, double lr = 1e-3, double lambd = 1e-4, double alpha = 0.75, double t0 = 1e6, double weight_decay = 0, bool maximize = false)
                => new(parameters, lr, lambd, alpha, t0, weight_decay, maximize);
        }
    }
}
