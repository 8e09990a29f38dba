using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.optim;

namespace TorchSharp
{
    namespace Modules
    {
        /// <summary>Limited-memory BFGS without line search: the inverse Hessian from the latest changes of weights and gradients.</summary>
        /// <remarks>Liu and Nocedal, "On the limited memory BFGS method for large scale optimization", 1989.</remarks>
        public class LBFGS : Optimizer, ILearningRateController
        {
            public double _rate;

            private readonly Parameter[] _parameters;
            private readonly long _maxIterations, _maxEvaluations, _history;
            private readonly double _gradientTolerance, _changeTolerance;
            private readonly List<(Tensor Change, Tensor GradientChange, double Curvature)> _pairs = [];
            private Tensor? _direction, _previousGradient;
            private double _scale = 1, _length;
            private long _iterations;

            internal LBFGS(IEnumerable<Parameter> parameters, double lr, long maxIterations, long maxEvaluations, double gradientTolerance, double changeTolerance, long history)
            {
                (_parameters, _rate, InitialLearningRate) = ([.. parameters], lr, lr);
                (_maxIterations, _maxEvaluations, _history) = (maxIterations, maxEvaluations, history);
                (_gradientTolerance, _changeTolerance) = (gradientTolerance, changeTolerance);
            }

            public double LearningRate
            {
                get => _rate;
                set => _rate = value;
            }

            public double InitialLearningRate { get; set; }

            public override IEnumerable<ILearningRateController> ParamGroups => [this];

            public override IEnumerable<Parameter> parameters() => _parameters;

            /// <param name="closure">Zeroes the gradients, evaluates the loss, runs backward and returns the loss. It is called several times.</param>
            /// <returns>The loss before the step.</returns>
            public override Tensor? step(Func<Tensor>? closure)
            {
                ArgumentNullException.ThrowIfNull(closure);
                var first = Evaluate(closure);
                using var noGrad = no_grad();
                using var scope = NewDisposeScope();
                var loss = first.ToDouble();
                var gradient = Gradient();
                if (Largest(gradient) <= _gradientTolerance)
                    return first;

                long evaluations = 1;
                for (long iteration = 1; iteration <= _maxIterations; iteration++)
                {
                    var start = _iterations++ == 0;
                    if (start)
                        Keep(ref _direction, gradient.neg());
                    else
                        UpdateDirection(gradient);
                    Keep(ref _previousGradient, gradient.clone());
                    _length = start ? Math.Min(1, 1 / gradient.abs().sum().ToDouble()) * _rate : _rate;

                    var slope = gradient.dot(_direction!).ToDouble();
                    if (slope > -_changeTolerance)
                        break;
                    AddToParameters(_direction!, _length);
                    if (iteration == _maxIterations)
                        break;

                    var before = loss;
                    using (var again = Evaluate(closure))
                        loss = again.ToDouble();
                    gradient = Gradient();
                    if (++evaluations >= _maxEvaluations || Largest(gradient) <= _gradientTolerance
                        || Largest(_direction!) * _length <= _changeTolerance || Math.Abs(loss - before) < _changeTolerance)
                        break;
                }
                return first;
            }

            protected override void Dispose(bool disposing)
            {
                base.Dispose(disposing);
                if (!disposing)
                    return;
                _direction?.Dispose();
                _previousGradient?.Dispose();
                foreach (var (change, gradientChange, _) in _pairs)
                {
                    change.Dispose();
                    gradientChange.Dispose();
                }
                _pairs.Clear();
            }

            /// <summary>The two loops of the paper: the inverse Hessian times the negative gradient.</summary>
            private void UpdateDirection(Tensor gradient)
            {
                var gradientChange = gradient - _previousGradient!;
                var change = _direction! * _length;
                var curvature = gradientChange.dot(change).ToDouble();
                if (curvature > 1e-10)
                {
                    if (_pairs.Count == _history)
                    {
                        _pairs[0].Change.Dispose();
                        _pairs[0].GradientChange.Dispose();
                        _pairs.RemoveAt(0);
                    }
                    _pairs.Add((change.DetachFromDisposeScope(), gradientChange.DetachFromDisposeScope(), curvature));
                    _scale = curvature / gradientChange.dot(gradientChange).ToDouble();
                }
                var direction = gradient.neg();
                var weights = new double[_pairs.Count];
                for (var i = _pairs.Count - 1; i >= 0; i--)
                {
                    weights[i] = _pairs[i].Change.dot(direction).ToDouble() / _pairs[i].Curvature;
                    direction.add_(_pairs[i].GradientChange, alpha: -weights[i]);
                }
                direction.mul_(_scale);
                for (var i = 0; i < _pairs.Count; i++)
                    direction.add_(_pairs[i].Change, alpha: weights[i] - _pairs[i].GradientChange.dot(direction).ToDouble() / _pairs[i].Curvature);
                Keep(ref _direction, direction);
            }

            private static Tensor Evaluate(Func<Tensor> closure)
            {
                using var grad = enable_grad();
                return closure();
            }

            private Tensor Gradient() => cat(_parameters.Select(parameter => parameter.grad?.reshape(-1) ?? parameter.new_zeros(parameter.numel())).ToArray());

            private static double Largest(Tensor vector) => vector.abs().max().ToDouble();

            private void AddToParameters(Tensor direction, double length)
            {
                long start = 0;
                foreach (var parameter in _parameters)
                {
                    parameter.add_(direction.narrow(0, start, parameter.numel()).view(parameter.shape), alpha: length);
                    start += parameter.numel();
                }
            }

            private static void Keep(ref Tensor? field, Tensor value)
            {
                field?.Dispose();
                field = value.DetachFromDisposeScope();
            }
        }
    }

    public static partial class torch
    {
        public static partial class optim
        {
            public static LBFGS LBFGS(IEnumerable<(string name, Parameter parameter)> parameters, double lr = 0.01, long max_iter = 20, long? max_eval = null, double tolerange_grad = 1e-5, double tolerance_change = 1e-9, long history_size = 100)
                => LBFGS(parameters.Select(named => named.parameter), lr, max_iter, max_eval, tolerange_grad, tolerance_change, history_size);

            public static LBFGS LBFGS(IEnumerable<Parameter> parameters, double lr = 0.01, long max_iter = 20, long? max_eval = null, double tolerange_grad = 1e-5, double tolerance_change = 1e-9, long history_size = 100)
                => new(parameters, lr, max_iter, max_eval ?? max_iter * 5 / 4, tolerange_grad, tolerance_change, history_size);
        }
    }
}
