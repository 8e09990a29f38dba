using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.optim;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Adam whose adaptive part waits until the variance of its scaling can be estimated.</summary>
        /// <remarks>Liu et al., "On the Variance of the Adaptive Learning Rate and Beyond", 2019, arXiv:1908.03265.</remarks>
        public class RAdam : OptimizerHelper, IBetas
        {
            public RAdam(IEnumerable<Parameter> parameters, double lr, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0)
                : this([new ParamGroup { Parameters = parameters }], lr, beta1, beta2, eps, weight_decay) { }

            public RAdam(IEnumerable<ParamGroup> parameters, double lr = 0.002, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0)
            {
                Require(lr >= 0, "learning rate", lr);
                Require(eps >= 0, "eps", eps);
                Require(beta1 is >= 0 and < 1, "beta1", beta1);
                Require(beta2 is >= 0 and < 1, "beta2", beta2);
                Require(weight_decay >= 0, "weight_decay", weight_decay);
                _defaults = new Options { LearningRate = lr, InitialLearningRate = lr, beta1 = beta1, beta2 = beta2, eps = eps, weight_decay = weight_decay };
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
                var (lr, beta1, beta2) = (options.LearningRate!.Value, options.beta1!.Value, options.beta2!.Value);
                foreach (var batch in Gather<State>(group, state => state.step))
                {
                    var step = batch.Key + 1;
                    var (parameters, gradients) = (batch.Parameters, batch.Gradients(weightDecay: options.weight_decay!.Value));
                    var (average, square) = (batch.Of(state => state.exp_avg), batch.Of(state => state.exp_avg_sq));
                    Foreach.Mul_(average, beta1);
                    Foreach.Add_(average, gradients, 1 - beta1);
                    Foreach.Mul_(square, beta2);
                    Foreach.AddCMul_(square, gradients, gradients, 1 - beta2);

                    var correction1 = 1 - Math.Pow(beta1, step);
                    var correction2 = 1 - Math.Pow(beta2, step);
                    var longest = 2 / (1 - beta2) - 1;
                    var length = longest - 2 * step * Math.Pow(beta2, step) / correction2;
                    if (length > 5)
                    {
                        var rectification = Math.Sqrt((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length));
                        var denominator = Foreach.Sqrt(square);
                        Foreach.Add_(denominator, options.eps!.Value);
                        Foreach.AddCDiv_(parameters, average, denominator, -lr * rectification * Math.Sqrt(correction2) / correction1);
                    }
                    else
                    {
                        Foreach.Add_(parameters, average, -lr / correction1);
                    }
                    foreach (var state in batch.States)
                        state.step = step;
                }
            }, closure);

            public class Options : OptimizerOptions
            {
                public double? beta1;
                public double? beta2;
                public double? eps;
                public double? weight_decay;

                private protected override void Visit(OptimizerFields fields)
                {
                    fields.Option(ref beta1);
                    fields.Option(ref beta2);
                    fields.Option(ref eps);
                    fields.Option(ref weight_decay);
                }
            }

            public class ParamGroup : ParamGroup<Options>, IBetas
            {
                public ParamGroup() { }

                public ParamGroup(IEnumerable<Parameter> parameters, Options options) : base(parameters, options) { }

                public ParamGroup(IEnumerable<Parameter> parameters, double lr = 1.0, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0)
                    : base(parameters, new Options { LearningRate = lr, beta1 = beta1, beta2 = beta2, eps = eps, weight_decay = weight_decay }) { }

                public (double, double) Betas
                {
                    get => (Options.beta1!.Value, Options.beta2!.Value);
                    set => (Options.beta1, Options.beta2) = value;
                }
            }

            public sealed class State : OptimizerState, IDisposable
            {
                public long step;
                public Tensor exp_avg = null!;
                public Tensor exp_avg_sq = null!;

                public State(Parameter parameter) : base(parameter) { }

                public void Dispose() => Free();

                public override void Initialize(OptimizerOptions options)
                {
                    Free();
                    (step, exp_avg, exp_avg_sq) = (0, Zeros(), Zeros());
                }

                private protected override void Visit(OptimizerFields fields)
                {
                    fields.Number(ref step);
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
            public static RAdam RAdam(IEnumerable<Parameter> parameters, double lr = 0.002, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0)
                => new(parameters, lr, beta1, beta2, eps, weight_decay);

            public static RAdam RAdam(IEnumerable<(string name, Parameter parameter)> parameters, double lr = 0.002, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0)
                => new(parameters.Select(named => named.parameter), lr, beta1, beta2, eps, weight_decay);

            public static RAdam RAdam(IEnumerable<RAdam.ParamGroup> parameters, double lr = 0.002, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0)
                => new(parameters, lr, beta1, beta2, eps, weight_decay);
        }
    }
}
