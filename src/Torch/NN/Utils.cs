using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>Functions over the parameters of a model.</summary>
        public static partial class utils
        {
            /// <summary>Scales all gradients down together if their joint norm exceeds a bound.</summary>
            /// <returns>The norm before scaling.</returns>
            public static double clip_grad_norm_(IEnumerable<Parameter> tensors, double max_norm, double norm_type = 2.0)
            {
                using var noGrad = no_grad();
                using var scope = NewDisposeScope();
                var grads = Gradients(tensors);
                if (grads.Length == 0)
                    return 0;
                double total;
                if (double.IsPositiveInfinity(norm_type))
                    total = stack(Array.ConvertAll(grads, grad => grad.abs().max().to(grads[0].device))).max().ToDouble();
                else
                    total = linalg.vector_norm(stack(Array.ConvertAll(Foreach.Norm(grads, norm_type), norm => norm.to(grads[0].device))), norm_type).ToDouble();
                var factor = max_norm / (total + 1e-6);
                if (factor < 1)
                    Foreach.Mul_(grads, factor);
                return total;
            }

            /// <summary>Clamps each element of the gradients to [-clip_value, clip_value].</summary>
            public static void clip_grad_value_(IEnumerable<Parameter> tensors, double clip_value)
            {
                using var noGrad = no_grad();
                using var scope = NewDisposeScope();
                foreach (var grad in Gradients(tensors))
                    grad.clamp_(-clip_value, clip_value);
            }

            /// <summary>All elements of all parameters in one vector.</summary>
            public static Tensor parameters_to_vector(IEnumerable<Parameter> tensors)
            {
                using var scope = NewDisposeScope();
                return cat(tensors.Select(parameter => parameter.reshape(-1)).ToArray()).MoveToOuterDisposeScope();
            }

            /// <summary>Copies such a vector back into the parameters.</summary>
            public static void vector_to_parameters(Tensor vec, IEnumerable<Parameter> tensors)
            {
                using var noGrad = no_grad();
                using var scope = NewDisposeScope();
                long start = 0;
                foreach (var parameter in tensors)
                {
                    var count = parameter.numel();
                    parameter.copy_(vec.narrow(0, start, count).view(parameter.shape));
                    start += count;
                }
            }

            /// <summary>A convolution's weight and bias with the batch norm that follows it worked in.</summary>
            public static (Parameter weight, Parameter bias) fuse_conv_bn_weights(Tensor conv_w, Tensor? conv_b, Tensor bn_rm, Tensor bn_rv, double bn_eps, Tensor? bn_w, Tensor? bn_b, bool transpose = false)
            {
                var shape = new long[conv_w.dim()];
                Array.Fill(shape, 1);
                shape[transpose ? 1 : 0] = -1;
                return Fuse(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, shape);
            }

            /// <summary>A linear layer's weight and bias with the batch norm that follows it worked in.</summary>
            public static (Parameter weight, Parameter bias) fuse_linear_bn_weights(Tensor linear_w, Tensor? linear_b, Tensor bn_rm, Tensor bn_rv, double bn_eps, Tensor bn_w, Tensor bn_b)
                => Fuse(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, [-1, 1]);

            /// <summary>A linear layer and its batch norm as one layer, for evaluation.</summary>
            public static Linear fuse_linear_bn_eval(Linear linear, BatchNorm bn)
            {
                if (linear.training || bn.training)
                    throw new InvalidOperationException("Fusing operators is valid only for eval mode.");
                var (weight, bias) = fuse_linear_bn_weights(linear.weight, linear.bias, bn.running_mean!, bn.running_var!, bn.eps, bn.weight, bn.bias!);
                return Linear(weight, bias);
            }

            private static (Parameter weight, Parameter bias) Fuse(Tensor weight, Tensor? bias, Tensor mean, Tensor variance, double eps, Tensor? scale, Tensor? shift, long[] shape)
            {
                using var noGrad = no_grad();
                using var scope = NewDisposeScope();
                var factor = (variance + eps).rsqrt();
                if (scale is not null)
                    factor *= scale;
                var offset = bias is null ? -mean : bias - mean;
                offset *= factor;
                if (shift is not null)
                    offset += shift;
                var fusedWeight = new Parameter((weight * factor.reshape(shape)).to(weight.dtype), weight.requires_grad);
                var fusedBias = new Parameter(offset.to(bias?.dtype ?? weight.dtype), bias?.requires_grad ?? weight.requires_grad);
                fusedWeight.MoveToOuterDisposeScope();
                fusedBias.MoveToOuterDisposeScope();
                return (fusedWeight, fusedBias);
            }

            private static Tensor[] Gradients(IEnumerable<Parameter> parameters)
                => parameters.Select(parameter => parameter.grad).OfType<Tensor>().ToArray();
        }
    }
}
