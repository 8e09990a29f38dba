using Tessera.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static partial class functional
        {
            public static Tensor normalize(Tensor input, double p = 2.0, long dim = 1, double eps = 1E-12) => input / input.norm((int)dim, true, (float)p).clamp_min(eps).expand_as(input);
            public static Tensor batch_norm(Tensor input, Tensor? running_mean, Tensor? running_var, Tensor? weight = null, Tensor? bias = null, bool training = false, double momentum = 0.1, double eps = 1E-05) => Op.batch_norm.Call(input, weight, bias, running_mean, running_var, training, momentum, eps, true);
            public static Tensor group_norm(Tensor input, long num_groups, Tensor? weight = null, Tensor? bias = null, double eps = 1E-05) => Op.group_norm.Call(input, num_groups, weight, bias, eps);
            public static Tensor instance_norm(Tensor input, Tensor? running_mean = null, Tensor? running_var = null, Tensor? weight = null, Tensor? bias = null, bool use_input_stats = true, double momentum = 0.1, double eps = 1E-05) => Op.instance_norm.Call(input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, true);
            public static Tensor layer_norm(Tensor input, long[] normalized_shape, Tensor? weight = null, Tensor? bias = null, double eps = 1E-05) => Op.layer_norm.Call(input, normalized_shape, weight, bias, eps);

            public static Tensor local_response_norm(Tensor input, long size, double alpha = 0.0001, double beta = 0.75, double k = 1.0)
            {
                if (input.dim() < 3) throw new ArgumentException($"local_response_norm takes at least 3 dimensions, not {input.dim()}");
                using var scope = NewDisposeScope();
                var squares = input.square().flatten(2).unsqueeze(1); // [B, 1, C, positions]
                var padded = torch.nn.functional.pad(squares, [0, 0, size / 2, (size - 1) / 2]);
                var means = Op.avg_pool2d.Call(padded, (long[])[size, 1], (long[])[1, 1]).squeeze(1).view_as(input);
                return (input / means.mul(alpha).add(k).pow(beta)).MoveToOuterDisposeScope();
            }
        }
    }
}
