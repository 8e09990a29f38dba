using Tessera.Torch.Interop;
using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>Fills tensors in place with starting values; all of it happens outside autograd.</summary>
        public static class init
        {
            private static readonly Operator s_qr = new("linalg_qr");

            public enum NonlinearityType
            {
                Linear = 0,
                Conv1D = 1,
                Conv2D = 2,
                Conv3D = 3,
                ConvTranspose1D = 4,
                ConvTranspose2D = 5,
                ConvTranspose3D = 6,
                Sigmoid = 7,
                Tanh = 8,
                ReLU = 9,
                LeakyReLU = 10,
            }

            public enum FanInOut
            {
                FanIn = 0,
                FanOut = 1,
            }

            /// <summary>The factor by which weights before a nonlinearity are scaled up to keep the variance.</summary>
            /// <param name="nonlinearity">What follows.</param>
            /// <param name="param">The negative slope of a leaky ReLU.</param>
            public static double calculate_gain(NonlinearityType nonlinearity, double param = 0.0) => nonlinearity switch
            {
                NonlinearityType.Tanh => 5.0 / 3.0,
                NonlinearityType.ReLU => Math.Sqrt(2.0),
                NonlinearityType.LeakyReLU => Math.Sqrt(2.0 / (1 + param * param)),
                _ => 1.0,
            };

            public static Tensor ones_(Tensor tensor) => constant_(tensor, 1);

            public static Tensor zeros_(Tensor tensor) => constant_(tensor, 0);

            public static Tensor constant_(Tensor tensor, Scalar val)
            {
                using var noGrad = no_grad();
                tensor.fill_(val);
                return tensor;
            }

            public static Tensor uniform_(Tensor tensor, double low = 0, double high = 1, Generator? generator = null)
            {
                using var noGrad = no_grad();
                tensor.uniform_(low, high, generator);
                return tensor;
            }

            public static Tensor normal_(Tensor tensor, double mean = 0, double std = 1, Generator? generator = null)
            {
                using var noGrad = no_grad();
                tensor.normal_(mean, std, generator);
                return tensor;
            }

            /// <summary>The normal distribution cut off at absolute bounds a and b, by inverting its distribution function.</summary>
            public static Tensor trunc_normal_(Tensor tensor, double mean = 0.0, double std = 1.0, double a = -2.0, double b = 2.0, Generator? generator = null)
            {
                using var noGrad = no_grad();
                var (low, high) = (Erf((a - mean) / (std * Math.Sqrt(2))), Erf((b - mean) / (std * Math.Sqrt(2))));
                tensor.uniform_(low, high, generator);
                tensor.erfinv_().mul_(std * Math.Sqrt(2)).add_(mean).clamp_(a, b);
                return tensor;
            }

            /// <summary>A matrix with orthonormal rows or columns, whichever are fewer; further dimensions count as columns.</summary>
            public static Tensor orthogonal_(Tensor tensor, double gain = 1.0)
            {
                RequireDimensions(tensor, 2, int.MaxValue);
                using var noGrad = no_grad();
                using var scope = NewDisposeScope();
                var rows = tensor.size(0);
                var columns = tensor.numel() / Math.Max(rows, 1);
                var wide = rows < columns;
                var normal = randn(wide ? columns : rows, wide ? rows : columns, dtype: tensor.dtype, device: tensor.device);
                var (q, r) = s_qr.Call2(normal, "reduced");
                q = q * r.diagonal().sign();
                tensor.copy_((wide ? q.t() : q).reshape(tensor.shape));
                tensor.mul_(gain);
                return tensor;
            }

            /// <summary>A normal matrix [rows, columns] with a share of each column zeroed at random.</summary>
            public static Tensor sparse_(Tensor tensor, double sparsity, double std = 0.01)
            {
                RequireDimensions(tensor, 2, 2);
                using var noGrad = no_grad();
                using var scope = NewDisposeScope();
                var rows = tensor.size(0);
                var zeros = (long)Math.Ceiling(sparsity * rows);
                tensor.normal_(0, std);
                for (long column = 0; column < tensor.size(1); column++)
                    tensor.select(1, column).index_fill_(0, randperm(rows, device: tensor.device).narrow(0, 0, zeros), 0);
                return tensor;
            }

            /// <summary>The identity matrix.</summary>
            public static Tensor eye_(Tensor tensor)
            {
                RequireDimensions(tensor, 2, 2);
                using var noGrad = no_grad();
                using var identity = eye(tensor.size(0), tensor.size(1), dtype: tensor.dtype, device: tensor.device);
                tensor.copy_(identity);
                return tensor;
            }

            /// <summary>A convolution weight [out, in, …] that passes each channel on as it is.</summary>
            public static Tensor dirac_(Tensor tensor)
            {
                RequireDimensions(tensor, 3, 5);
                using var noGrad = no_grad();
                using var scope = NewDisposeScope();
                tensor.zero_();
                for (long channel = 0; channel < Math.Min(tensor.size(0), tensor.size(1)); channel++)
                {
                    var kernel = tensor.select(0, channel).select(0, channel);
                    while (kernel.dim() > 0)
                        kernel = kernel.select(0, kernel.size(0) / 2);
                    kernel.fill_(1);
                }
                return tensor;
            }

            /// <remarks>He et al., "Delving Deep into Rectifiers", 2015, arXiv:1502.01852.</remarks>
            public static Tensor kaiming_uniform_(Tensor tensor, double a = 0, FanInOut mode = FanInOut.FanIn, NonlinearityType nonlinearity = NonlinearityType.LeakyReLU)
            {
                var bound = Math.Sqrt(3.0) * KaimingDeviation(tensor, a, mode, nonlinearity);
                return uniform_(tensor, -bound, bound);
            }

            public static Tensor kaiming_normal_(Tensor tensor, double a = 0, FanInOut mode = FanInOut.FanIn, NonlinearityType nonlinearity = NonlinearityType.LeakyReLU)
                => normal_(tensor, 0, KaimingDeviation(tensor, a, mode, nonlinearity));

            /// <remarks>Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.</remarks>
            public static Tensor xavier_uniform_(Tensor tensor, double gain = 1.0)
            {
                var bound = Math.Sqrt(3.0) * XavierDeviation(tensor, gain);
                return uniform_(tensor, -bound, bound);
            }

            public static Tensor xavier_normal_(Tensor tensor, double gain = 1.0) => normal_(tensor, 0, XavierDeviation(tensor, gain));

            public static Tensor glorot_uniform_(Tensor tensor, double gain = 1.0) => xavier_uniform_(tensor, gain);

            public static Tensor glorot_normal_(Tensor tensor, double gain = 1.0) => xavier_normal_(tensor, gain);

            /// <summary>How many inputs an output of a weight [out, in, …] has, and how many outputs an input.</summary>
            public static (long fanIn, long fanOut) CalculateFanInAndFanOut(Tensor tensor)
            {
                if (tensor.dim() < 2)
                    throw new ArgumentException("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions", nameof(tensor));
                var shape = tensor.shape;
                long window = 1;
                foreach (var extent in shape.AsSpan(2))
                    window *= extent;
                return (shape[1] * window, shape[0] * window);
            }

            /// <summary>What linear and convolution layers start from: weight and bias uniform within 1 / √fan-in.</summary>
            internal static void LikePyTorch(Parameter weight, Parameter? bias)
            {
                kaiming_uniform_(weight, Math.Sqrt(5));
                var (fanIn, _) = CalculateFanInAndFanOut(weight);
                var bound = fanIn > 0 ? 1 / Math.Sqrt(fanIn) : 0;
                if (bias is not null)
                    uniform_(bias, -bound, bound);
            }

            private static double KaimingDeviation(Tensor tensor, double a, FanInOut mode, NonlinearityType nonlinearity)
            {
                var (fanIn, fanOut) = CalculateFanInAndFanOut(tensor);
                var fan = mode == FanInOut.FanIn ? fanIn : fanOut;
                return fan == 0 ? 0 : calculate_gain(nonlinearity, a) / Math.Sqrt(fan);
            }

            private static double XavierDeviation(Tensor tensor, double gain)
            {
                var (fanIn, fanOut) = CalculateFanInAndFanOut(tensor);
                return fanIn + fanOut == 0 ? 0 : gain * Math.Sqrt(2.0 / (fanIn + fanOut));
            }

            private static double Erf(double x)
            {
                using var value = torch.tensor(x, dtype: ScalarType.Float64);
                using var result = value.erf();
                return result.item<double>();
            }

            private static void RequireDimensions(Tensor tensor, int least, int most)
            {
                if (tensor.dim() < least || tensor.dim() > most)
                    throw new ArgumentException($"The tensor has {tensor.dim()} dimensions; {least}{(most == least ? "" : most == int.MaxValue ? " or more" : $" to {most}")} are needed.", nameof(tensor));
            }
        }
    }
}
