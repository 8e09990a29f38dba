using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.optim;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Adam with Nesterov's momentum.</summary>
        /// <remarks>Dozat, "Incorporating Nesterov Momentum into Adam", 2016.</remarks>
        public class NAdam : OptimizerHelper, IBetas
        {
            public NAdam(IEnumerable<Parameter> parameters, double lr, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, double momentum_decay = 4e-3)
                : this([new ParamGroup { Parameters = parameters }], lr, beta1, beta2, eps, weight_decay, momentum_decay) { }

            public NAdam(IEnumerable<ParamGroup> parameters, double lr = 0.002, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, double momentum_decay = 4e-3)
            {
                Require(lr >= 0, "learning rate", lr);
                Require(eps >= 0, "eps", eps);
                Require(beta1 is >= 0 and < 1, "beta1", beta1);
                Require(beta2 is >= 0 and < 1, "beta2", beta2);
                Require(weight_decay >= 0, "weight_decay", weight_decay);
                Require(momentum_decay >= 0, "momentum_decay", momentum_decay);
                _defaults = new Options { LearningRate = lr, InitialLearningRate = lr, beta1 = beta1, beta2 = beta2, eps = eps, weight_decay = weight_decay, momentum_decay = momentum_decay };
                foreach (var group in parameters)
                    add_param_group(group);
            }

            public (double, double) Betas
            {
                get => (((Options)_defaults).beta1!.Value, ((Options)_defaults).beta2!.Value);
                set => (((Options)_defaults).beta1, ((Options)_defaults).beta2) = value;
            }

            public override void add_param_group(Modules.ParamGroup param_group) => AddGroup<Options>(param_group, parameter => new State(parameter));

            public override Tensor? step(Func<Tensor>? closure = null) => _step<Modules.ParamGroup>(group =>
            {
                var options = (Options)group.Options;
                var (lr, beta1, beta2, decay) = (options.LearningRate!.Value, options.beta1!.Value, options.beta2!.Value, options.momentum_decay!.Value);
                foreach (var batch in Gather<State>(group, state => state.step))
                {
                    var step = batch.Key + 1;
                    var mu = beta1 * (1 - 0.5 * Math.Pow(0.96, step * decay));
                    var nextMu = beta1 * (1 - 0.5 * Math.Pow(0.96, (step + 1) * decay));
                    var product = batch.States[0].mu_product * mu; // the same for all that took as many steps
                    var (parameters, gradients) = (batch.Parameters, batch.Gradients(weightDecay: options.weight_decay!.Value));
                    var (average, square) = (batch.Of(state => state.exp_avg), batch.Of(state => state.exp_avg_sq));
                    Foreach.Mul_(average, beta1);
                    Foreach.Add_(average, gradients, 1 - beta1);
                    Foreach.Mul_(square, beta2);
                    Foreach.AddCMul_(square, gradients, gradients, 1 - beta2);
                    var denominator = Foreach.Sqrt(square);
                    Foreach.Div_(denominator, Math.Sqrt(1 - Math.Pow(beta2, step)));
                    Foreach.Add_(denominator, options.eps!.Value);
                    Foreach.AddCDiv_(parameters, gradients, denominator, -lr * (1 - mu) / (1 - product));
                    Foreach.AddCDiv_(parameters, average, denominator, -lr * nextMu / (1 - product * nextMu));
                    foreach (var state in batch.States)
                        (state.step, state.mu_product) = (step, product);
                }
            }, closure);

            public class Options : OptimizerOptions
            {
                public double? beta1;
                public double? beta2;
                public double? eps;
                public double? weight_decay;
                public double? momentum_decay;

                private protected override void Visit(OptimizerFields fields)
                {
                    fields.Option(ref beta1);
                    fields.Option(ref beta2);
                    fields.Option(ref eps);
                    fields.Option(ref weight_decay);
                    fields.Option(ref momentum_decay);
                }
            }

            public class ParamGroup : ParamGroup<Options>, IBetas
            {
                public ParamGroup() { }

                public ParamGroup(IEnumerable<Parameter> parameters, Options options) : base(parameters, options) { }

                public ParamGroup(IEnumerable<Parameter> parameters, double lr = 1.0, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, double momentum_decay = 4e-3)
                    : base(parameters, new Options { LearningRate = lr, beta1 = beta1, beta2 = beta2, eps = eps, weight_decay = weight_decay, momentum_decay = momentum_decay }) { }

                public (double, double) Betas
                {
                    get => (Options.beta1!.Value, Options.beta2!.Value);
                    set => (Options.beta1, Options.beta2) = value;
                }
            }

            public sealed class State : OptimizerState, IDisposable
            {
                public long step;
                public double mu_product;
                public Tensor exp_avg = null!;
                public Tensor exp_avg_sq = null!;

                public State(Parameter parameter) : base(parameter) { }

                public void Dispose() => Free();

                public override void Initialize(OptimizerOptions options)
                {
                    Free();
                    (step, mu_product, exp_avg, exp_avg_sq) = (0, 1, Zeros(), Zeros());
                }

                private protected override void Visit(OptimizerFields fields)
                {
                    fields.Number(ref step);
                    fields.Number(ref mu_product);
                    fields.Required(ref exp_avg);
                    fields.Required(ref exp_avg_sq);
                }
            }
        }
    }

    public static partial class torch
    {
        public static partial class optim
        {
            public static NAdam NAdam(IEnumerable<Parameter> named_parameters, double lr = 0.002, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, double momentum_decay = 4e-3)
                => new(named_parameters, lr, beta1, beta2, eps, weight_decay, momentum_decay);

            public static NAdam NAdam(IEnumerable<(string name, Parameter parameter)> named_parameters, double lr = 0.002, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, double momentum_decay = 4e-3)
                => new(named_parameters.Select(named => named.parameter), lr, beta1, beta2, eps, weight_decay, momentum_decay);

            public static NAdam NAdam(IEnumerable<NAdam.ParamGroup> parameters, double lr = 0.002, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, double momentum_decay = 4e-3)
                => new(parameters, lr, beta1, beta2, eps, weight_decay, momentum_decay);
        }
    }
}
