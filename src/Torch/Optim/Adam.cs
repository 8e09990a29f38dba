using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.optim;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Steps scaled by running averages of the gradient and its square.</summary>
        /// <remarks>Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2014, arXiv:1412.6980; AMSGrad: Reddi et al., 2018.</remarks>
        public class Adam : OptimizerHelper, IBetas
        {
            public Adam(IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false)
                : this([new ParamGroup { Parameters = parameters }], lr, beta1, beta2, eps, weight_decay, amsgrad, maximize) { }

            public Adam(IEnumerable<ParamGroup> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false)
            {
                Require(lr >= 0, "learning rate", lr);
                Require(eps >= 0, "eps", eps);
                Require(beta1 is >= 0 and < 1, "beta1", beta1);
                Require(beta2 is >= 0 and < 1, "beta2", beta2);
                Require(weight_decay >= 0, "weight_decay", weight_decay);
                _defaults = new Options { LearningRate = lr, InitialLearningRate = lr, beta1 = beta1, beta2 = beta2, eps = eps, weight_decay = weight_decay, amsgrad = amsgrad, maximize = maximize };
                foreach (var group in parameters)
                    add_param_group(group);
            }

            private readonly FusedPass<AdamKernel> _fused = new();

            internal override FusedPass Fused => _fused;

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
                foreach (var batch in Gather<State>(group, state => state.step, (parameter, gradient, state) => Fuse(options, parameter, gradient, state)))
                {
                    var step = batch.Key + 1;
                    var parameters = batch.Parameters;
                    var gradients = batch.Gradients(options.maximize!.Value, options.weight_decay!.Value);
                    var largest = options.amsgrad!.Value ? batch.Of(state => state.max_exp_avg_sq!) : null;
                    AdamUpdate.Apply(parameters, gradients, batch.Of(state => state.exp_avg), batch.Of(state => state.exp_avg_sq), largest, step, lr, beta1, beta2, options.eps!.Value);
                    foreach (var state in batch.States)
                        state.step = step;
                }
            }, closure);

            private bool Fuse(Options options, Parameter parameter, Tensor gradient, State state)
            {
                var amsgrad = options.amsgrad!.Value;
                var kernel = new AdamKernel(state.step + 1, options.LearningRate!.Value, options.beta1!.Value, options.beta2!.Value, options.eps!.Value, options.weight_decay!.Value, decoupled: false, amsgrad, options.maximize!.Value);
                if (amsgrad && state.max_exp_avg_sq is null) // the option was set after the state was made
                    return false;
                if (!_fused.Add(kernel, parameter, gradient, state.exp_avg, state.exp_avg_sq, amsgrad ? state.max_exp_avg_sq : null))
                    return false;
                state.step++;
                return true;
            }

            public class Options : OptimizerOptions
            {
                public double? beta1;
                public double? beta2;
                public double? eps;
                public double? weight_decay;
                public bool? amsgrad;
                public bool? maximize;

                private protected override void Visit(OptimizerFields fields)
                {
                    fields.Option(ref beta1);
                    fields.Option(ref beta2);
                    fields.Option(ref eps);
                    fields.Option(ref weight_decay);
                    fields.Option(ref amsgrad);
                    fields.Option(ref maximize);
                }
            }

            public class ParamGroup : ParamGroup<Options>, IBetas
            {
                public ParamGroup() { }

                public ParamGroup(IEnumerable<Parameter> parameters, Options options) : base(parameters, options) { }

                public ParamGroup(IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false)
                    : base(parameters, new Options { LearningRate = lr, beta1 = beta1, beta2 = beta2, eps = eps, weight_decay = weight_decay, amsgrad = amsgrad, maximize = maximize }) { }

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
                public Tensor? max_exp_avg_sq;

                public State(Parameter parameter) : base(parameter) { }

                public void Dispose() => Free();

                public override void Initialize(OptimizerOptions options)
                {
                    Free();
                    (step, exp_avg, exp_avg_sq) = (0, Zeros(), Zeros());
                    if (((Options)options).amsgrad == true)
                        max_exp_avg_sq = Zeros();
                }

                private protected override void Visit(OptimizerFields fields)
                {
                    fields.Number(ref step);
                    fields.Required(ref exp_avg);
                    fields.Required(ref exp_avg_sq);
                    fields.Optional(ref max_exp_avg_sq);
                }
            }
        }
    }

    public static partial class torch
    {
        public static partial class optim
        {
            public static Adam Adam(IEnumerable<Parameter> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false)
                => new(parameters, lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);

            public static Adam Adam(IEnumerable<(string name, Parameter parameter)> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false)
                => new(parameters.Select(named => named.parameter), lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);

            public static Adam Adam(IEnumerable<Adam.ParamGroup> parameters, double lr = 1e-3, double beta1 = 0.9, double beta2 = 0.999, double eps = 1e-8, double weight_decay = 0, bool amsgrad = false, bool maximize = false)
                => new(parameters, lr, beta1, beta2, eps, weight_decay, amsgrad, maximize);
        }
    }
}
