using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.optim;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Resilient backpropagation: steps of each weight's own size, by the gradient's sign.</summary>
        /// <remarks>Riedmiller and Braun, "A direct adaptive method for faster backpropagation learning", 1993.</remarks>
        public class Rprop : OptimizerHelper
        {
            public Rprop(IEnumerable<Parameter> parameters, double lr = 1e-2, double etaminus = 0.5, double etaplus = 1.2, double min_step = 1e-6, double max_step = 50, bool maximize = false)
                : this([new ParamGroup { Parameters = parameters }], lr, etaminus, etaplus, min_step, max_step, maximize) { }

            public Rprop(IEnumerable<ParamGroup> parameters, double lr = 1e-2, double etaminus = 0.5, double etaplus = 1.2, double min_step = 1e-6, double max_step = 50, bool maximize = false)
            {
                Require(lr >= 0, "learning rate", lr);
                Require(etaminus is > 0 and < 1, "etaminus", etaminus);
                Require(etaplus > 1, "etaplus", etaplus);
                _defaults = new Options { LearningRate = lr, InitialLearningRate = lr, etaminus = etaminus, etaplus = etaplus, min_step = min_step, max_step = max_step, maximize = maximize };
                foreach (var group in parameters)
                    add_param_group(group);
            }

            public override void add_param_group(Modules.ParamGroup param_group) => AddGroup<Options>(param_group, parameter => new State(parameter));

            public override Tensor? step(Func<Tensor>? closure = null) => _step<Modules.ParamGroup>(group =>
            {
                var options = (Options)group.Options;
                var (shrink, grow) = (options.etaminus!.Value, options.etaplus!.Value);
                foreach (var batch in Gather<State>(group))
                {
                    var (parameters, gradients) = (batch.Parameters, batch.Gradients(options.maximize!.Value));
                    for (var i = 0; i < parameters.Length; i++)
                    {
                        var state = batch.States[i];
                        var agreement = gradients[i].mul(state.prev);
                        var turned = agreement.lt(0);
                        var factor = ones_like(agreement).masked_fill_(agreement.gt(0), grow).masked_fill_(turned, shrink);
                        state.step_size.mul_(factor).clamp_(options.min_step!.Value, options.max_step!.Value);
                        state.prev.copy_(gradients[i]).masked_fill_(turned, 0); // after a change of sign the weight rests for a step
                        parameters[i].addcmul_(state.prev.sign(), state.step_size, -1);
                        state.step++;
                    }
                }
            }, closure);

            public class Options : OptimizerOptions
            {
                public bool? maximize;
                public double? etaminus;
                public double? etaplus;
                public double? min_step;
                public double? max_step;

                private protected override void Visit(OptimizerFields fields)
                {
                    fields.Option(ref maximize);
                    fields.Option(ref etaminus);
                    fields.Option(ref etaplus);
                    fields.Option(ref min_step);
                    fields.Option(ref max_step);
                }
            }

            public class ParamGroup : ParamGroup<Options>
            {
                public ParamGroup() { }

                public ParamGroup(IEnumerable<Parameter> parameters, Options options) : base(parameters, options) { }

                public ParamGroup(IEnumerable<Parameter> parameters, double lr = 1e-2, double etaminus = 0.5, double etaplus = 1.2, double min_step = 1e-6, double max_step = 50, bool maximize = false)
                    : base(parameters, new Options { LearningRate = lr, etaminus = etaminus, etaplus = etaplus, min_step = min_step, max_step = max_step, maximize = maximize }) { }
            }

            public sealed class State : OptimizerState, IDisposable
            {
                public long step;
                public Tensor prev = null!;
                public Tensor step_size = null!;

                public State(Parameter parameter) : base(parameter) { }

                public void Dispose() => Free();

                public override void Initialize(OptimizerOptions options)
                {
                    Free();
                    (step, prev, step_size) = (0, Zeros(), Zeros());
                    step_size.fill_(options.LearningRate!.Value);
                }

                private protected override void Visit(OptimizerFields fields)
                {
                    fields.Number(ref step);
                    fields.Required(ref prev);
                    fields.Required(ref step_size);
                }
            }
        }
    }

    public static partial class torch
    {
        public static partial class optim
        {
            public static Rprop Rprop(IEnumerable<Parameter> parameters, double lr = 1e-2, double etaminus = 0.5, double etaplus = 1.2, double min_step = 1e-6, double max_step = 50, bool maximize = false)
                => new(parameters, lr, etaminus, etaplus, min_step, max_step, maximize);

            public static Rprop Rprop(IEnumerable<(string name, Parameter parameter)> parameters, double lr = 1e-2, double etaminus = 0.5, double etaplus = 1.2, double min_step = 1e-6, double max_step = 50, bool maximize = false)
                => new(parameters.Select(named => named.parameter), lr, etaminus, etaplus, min_step, max_step, maximize);

            public static Rprop Rprop(IEnumerable<Rprop.ParamGroup> parameters, double lr = 1e-2, double etaminus = 0.5, double etaplus = 1.2, double min_step = 1e-6, double max_step = 50, bool maximize = false)
                => new(parameters, lr, etaminus, etaplus, min_step, max_step, maximize);
        }
    }
}
