using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.optim;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Steps scaled by the sum of all squared gradients so far.</summary>
        /// <remarks>Duchi et al., "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization", 2011.</remarks>
        public class Adagrad : OptimizerHelper
        {
            public Adagrad(IEnumerable<Parameter> parameters, double lr = 1e-2, double lr_decay = 0, double weight_decay = 0, double initial_accumulator_value = 0, double eps = 1e-10)
                : this([new ParamGroup { Parameters = parameters }], lr, lr_decay, weight_decay, initial_accumulator_value, eps) { }

            public Adagrad(IEnumerable<ParamGroup> parameters, double lr = 1e-2, double lr_decay = 0, double weight_decay = 0, double initial_accumulator_value = 0, double eps = 1e-10)
            {
                Require(lr >= 0, "learning rate", lr);
                Require(lr_decay >= 0, "lr_decay", lr_decay);
                Require(weight_decay >= 0, "weight_decay", weight_decay);
                Require(initial_accumulator_value >= 0, "initial_accumulator_value", initial_accumulator_value);
                Require(eps >= 0, "eps", eps);
                _defaults = new Options { LearningRate = lr, InitialLearningRate = lr, lr_decay = lr_decay, weight_decay = weight_decay, initial_accumulator_value = initial_accumulator_value, eps = eps };
                foreach (var group in parameters)
                    add_param_group(group);
            }

            public override void add_param_group(Modules.ParamGroup param_group) => AddGroup<Options>(param_group, parameter => new State(parameter));

            public override Tensor? step(Func<Tensor>? closure = null) => _step<Modules.ParamGroup>(group =>
            {
                var options = (Options)group.Options;
                foreach (var batch in Gather<State>(group, state => state.step))
                {
                    var gradients = batch.Gradients(weightDecay: options.weight_decay!.Value);
                    var sums = batch.Of(state => state.sum);
                    Foreach.AddCMul_(sums, gradients, gradients);
                    var denominator = Foreach.Sqrt(sums);
                    Foreach.Add_(denominator, options.eps!.Value);
                    Foreach.AddCDiv_(batch.Parameters, gradients, denominator, -options.LearningRate!.Value / (1 + batch.Key * options.lr_decay!.Value));
                    foreach (var state in batch.States)
                        state.step++;
                }
            }, closure);

            public class Options : OptimizerOptions
            {
                public double? lr_decay;
                public double? initial_accumulator_value;
                public double? eps;
                public double? weight_decay;

                private protected override void Visit(OptimizerFields fields)
                {
                    fields.Option(ref lr_decay);
                    fields.Option(ref initial_accumulator_value);
                    fields.Option(ref eps);
                    fields.Option(ref weight_decay);
                }
            }

            public class ParamGroup : ParamGroup<Options>
            {
                public ParamGroup() { }

                public ParamGroup(IEnumerable<Parameter> parameters, Options options) : base(parameters, options) { }

                public ParamGroup(IEnumerable<Parameter> parameters, double lr = 1e-2, double lr_decay = 0, double weight_decay = 0, double initial_accumulator_value = 0, double eps = 1e-10)
                    : base(parameters, new Options { LearningRate = lr, lr_decay = lr_decay, weight_decay = weight_decay, initial_accumulator_value = initial_accumulator_value, eps = eps }) { }
            }

            public sealed class State : OptimizerState, IDisposable
            {
                public long step;
                public Tensor sum = null!;

                public State(Parameter parameter) : base(parameter) { }

                public void Dispose() => Free();

                public override void Initialize(OptimizerOptions options)
                {
                    Free();
                    (step, sum) = (0, Zeros());
                    sum.fill_(((Options)options).initial_accumulator_value!.Value);
                }

                private protected override void Visit(OptimizerFields fields)
                {
                    fields.Number(ref step);
                    fields.Required(ref sum);
                }
            }
        }
    }

    public static partial class torch
    {
        public static partial class optim
        {
            public static Adagrad Adagrad(IEnumerable<Parameter> parameters, double lr = 1e-2, double lr_decay = 0, double weight_decay = 0, double initial_accumulator_value = 0, double eps = 1e-10)
                => new(parameters, lr, lr_decay, weight_decay, initial_accumulator_value, eps);

            public static Adagrad Adagrad(IEnumerable<(string name, Parameter parameter)> parameters, double lr = 1e-2, double lr_decay = 0, double weight_decay = 0, double initial_accumulator_value = 0, double eps = 1e-10)
                => new(parameters.Select(named => named.parameter), lr, lr_decay, weight_decay, initial_accumulator_value, eps);

            public static Adagrad Adagrad(IEnumerable<Adagrad.ParamGroup> parameters, double lr = 1e-2, double lr_decay = 0, double weight_decay = 0, double initial_accumulator_value = 0, double eps = 1e-10)
                => new(parameters, lr, lr_decay, weight_decay, initial_accumulator_value, eps);
        }
    }
}
