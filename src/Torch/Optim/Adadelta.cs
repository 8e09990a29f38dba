using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.optim;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Steps scaled by the ratio of running averages of squared updates and squared gradients.</summary>
        /// <remarks>Zeiler, "ADADELTA: An Adaptive Learning Rate Method", 2012, arXiv:1212.5701.</remarks>
        public class Adadelta : OptimizerHelper
        {
            public Adadelta(IEnumerable<Parameter> parameters, double lr, double rho = 0.9, double eps = 1e-6, double weight_decay = 0, bool maximize = false)
                : this([new ParamGroup { Parameters = parameters }], lr, rho, eps, weight_decay, maximize) { }

            public Adadelta(IEnumerable<ParamGroup> parameters, double lr = 1.0, double rho = 0.9, double eps = 1e-6, double weight_decay = 0, bool maximize = false)
            {
                Require(lr >= 0, "learning rate", lr);
                Require(rho >= 0, "rho", rho);
                Require(eps >= 0, "eps", eps);
                Require(weight_decay >= 0, "weight_decay", weight_decay);
                _defaults = new Options { LearningRate = lr, InitialLearningRate = lr, rho = rho, eps = eps, weight_decay = weight_decay, maximize = maximize };
                foreach (var group in parameters)
                    add_param_group(group);
            }

            public override void add_param_group(Modules.ParamGroup param_group) => AddGroup<Options>(param_group, parameter => new State(parameter));

            public override Tensor? step(Func<Tensor>? closure = null) => _step<Modules.ParamGroup>(group =>
            {
                var options = (Options)group.Options;
                var (rho, eps) = (options.rho!.Value, options.eps!.Value);
                foreach (var batch in Gather<State>(group))
                {
                    var gradients = batch.Gradients(options.maximize!.Value, options.weight_decay!.Value);
                    var (square, updates) = (batch.Of(state => state.square_avg), batch.Of(state => state.acc_delta));
                    Foreach.Mul_(square, rho);
                    Foreach.AddCMul_(square, gradients, gradients, 1 - rho);
                    var deltas = new Tensor[gradients.Length];
                    for (var i = 0; i < deltas.Length; i++)
                        deltas[i] = updates[i].add(eps).sqrt_().div_(square[i].add(eps).sqrt_()).mul_(gradients[i]);
                    Foreach.Add_(batch.Parameters, deltas, -options.LearningRate!.Value);
                    Foreach.Mul_(updates, rho);
                    Foreach.AddCMul_(updates, deltas, deltas, 1 - rho);
                    foreach (var state in batch.States)
                        state.step++;
                }
            }, closure);

            public class Options : OptimizerOptions
            {
                public double? rho;
                public double? eps;
                public double? weight_decay;
                public bool? maximize;

                private protected override void Visit(OptimizerFields fields)
                {
                    fields.Option(ref rho);
                    fields.Option(ref eps);
                    fields.Option(ref weight_decay);
                    fields.Option(ref maximize);
                }
            }

            public class ParamGroup : ParamGroup<Options>
            {
                public ParamGroup() { }

                public ParamGroup(IEnumerable<Parameter> parameters, Options options) : base(parameters, options) { }

                public ParamGroup(IEnumerable<Parameter> parameters, double lr = 1.0, double rho = 0.9, double eps = 1e-6, double weight_decay = 0, bool maximize = false)
                    : base(parameters, new Options { LearningRate = lr, rho = rho, eps = eps, weight_decay = weight_decay, maximize = maximize }) { }
            }

            public sealed class State : OptimizerState, IDisposable
            {
                public long step;
                public Tensor square_avg = null!;
                public Tensor acc_delta = null!;

                public State(Parameter parameter) : base(parameter) { }

                public void Dispose() => Free();

                public override void Initialize(OptimizerOptions options)
                {
                    Free();
                    (step, square_avg, acc_delta) = (0, Zeros(), Zeros());
                }

                private protected override void Visit(OptimizerFields fields)
                {
                    fields.Number(ref step);
                    fields.Required(ref square_avg);
                    fields.Required(ref acc_delta);
                }
            }
        }
    }

    public static partial class torch
    {
        public static partial class optim
        {
            public static Adadelta Adadelta(IEnumerable<Parameter> parameters, double lr = 1.0, double rho = 0.9, double eps = 1e-6, double weight_decay = 0, bool maximize = false)
                => new(parameters, lr, rho, eps, weight_decay, maximize);

            public static Adadelta Adadelta(IEnumerable<(string name, Parameter parameter)> parameters, double lr = 1.0, double rho = 0.9, double eps = 1e-6, double weight_decay = 0, bool maximize = false)
                => new(parameters.Select(named => named.parameter), lr, rho, eps, weight_decay, maximize);

            public static Adadelta Adadelta(IEnumerable<Adadelta.ParamGroup> parameters, double lr = 1.0, double rho = 0.9, double eps = 1e-6, double weight_decay = 0, bool maximize = false)
                => new(parameters, lr, rho, eps, weight_decay, maximize);
        }
    }
}
