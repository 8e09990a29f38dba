using Tessera.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static partial class functional
        {
            public static Tensor celu(Tensor x, double alpha, bool inplace = false) => inplace ? Op.celu_.CallInPlace(x, x, alpha) : Op.celu.Call(x, alpha);
            public static Tensor elu(Tensor x, double alpha, bool inplace = false) => inplace ? Op.elu_.CallInPlace(x, x, alpha) : Op.elu.Call(x, alpha);
            public static Tensor gelu(Tensor x, bool inplace) => inplace ? Op.gelu_.CallInPlace(x, x) : Op.gelu.Call(x);
            public static Tensor gelu(Tensor x) => Op.gelu.Unary(x);
            public static Tensor glu(Tensor input, long dim = -1) => Op.glu.Call(input, dim);
            public static Tensor hardshrink(Tensor x, double lambda = 0.5) => Op.hardshrink.Call(x, lambda);
            public static Tensor Hardshrink(Tensor x, double lambda = 0.5) => hardshrink(x, lambda);
            public static Tensor hardsigmoid(Tensor input, bool inplace = false) => inplace ? Op.hardsigmoid_.CallInPlace(input, input) : Op.hardsigmoid.Call(input);
            public static Tensor hardswish(Tensor input, bool inplace = false) => inplace ? Op.hardswish_.CallInPlace(input, input) : Op.hardswish.Call(input);
            public static Tensor hardtanh(Tensor x, double min_val = -1.0, double max_val = 1.0, bool inplace = false) => inplace ? Op.hardtanh_.CallInPlace(x, x, min_val, max_val) : Op.hardtanh.Call(x, min_val, max_val);
            public static Tensor Hardtanh(Tensor x, double min_val = -1.0, double max_val = 1.0, bool inplace = false) => hardtanh(x, min_val, max_val, inplace);
            public static Tensor leaky_relu(Tensor input, double negative_slope = 0.01, bool inplace = false) => inplace ? Op.leaky_relu_.CallInPlace(input, input, negative_slope) : Op.leaky_relu.Call(input, negative_slope);
            public static Tensor logsigmoid(Tensor x) => Op.log_sigmoid.Unary(x);
            public static Tensor log_softmax(Tensor x, long dim) => Op.log_softmax_int.Call(x, dim);
            public static Tensor mish(Tensor x, bool inplace = false) => inplace ? Op.mish_.CallInPlace(x, x) : Op.mish.Call(x);
            public static Tensor Mish(Tensor x) => mish(x);
            public static Tensor prelu(Tensor input, Tensor weight) => Op.prelu.Binary(input, weight);
            public static Tensor relu(Tensor x, bool inplace = false) => inplace ? Op.relu_.CallInPlace(x, x) : Op.relu.Unary(x);
            public static Tensor relu6(Tensor x, bool inplace = false) => inplace ? Op.relu6_.CallInPlace(x, x) : Op.relu6.Call(x);
            public static Tensor rrelu(Tensor x, double lower = 0.125, double upper = 0.3333333333333333, bool inplace = false) => inplace ? Op.rrelu_.CallInPlace(x, x, lower, upper) : Op.rrelu.Call(x, lower, upper);
            public static Tensor selu(Tensor x, bool inplace = false) => inplace ? Op.selu_.CallInPlace(x, x) : Op.selu.Call(x);
            public static Tensor sigmoid(Tensor x, bool inplace) => inplace ? Op.sigmoid_.CallInPlace(x, x) : Op.sigmoid.Call(x);
            public static Tensor sigmoid(Tensor x) => Op.sigmoid.Unary(x);
            public static Tensor silu(Tensor x, bool inplace = false) => inplace ? Op.silu_.CallInPlace(x, x) : Op.silu.Unary(x);
            public static Tensor SiLU(Tensor x, bool inplace = false) => silu(x, inplace);
            public static Tensor softmax(Tensor input, long dim, ScalarType? dtype = null) => Op.softmax_int.Call(input, dim, dtype);
            public static Tensor softmax2d(Tensor x) => Op.softmax_int.Call(x, -3);
            public static Tensor softmin(Tensor x, long dim) => Op.softmax_int.Call(x.neg(), dim);
            public static Tensor softplus(Tensor x, double beta = 1.0, double threshold = 20.0) => Op.softplus.Call(x, beta, threshold);
            public static Tensor softshrink(Tensor x, double lambda = 0.5) => Op.softshrink.Call(x, lambda);
            public static Tensor Softshrink(Tensor x, double lambda = 0.5) => softshrink(x, lambda);
            public static Tensor softsign(Tensor x, bool inplace = false) => inplace ? x.div_(x.abs().add_(1)) : x / (x.abs() + 1);
            public static Tensor Softsign(Tensor x) => softsign(x);
            public static Tensor tanh(Tensor x, bool inplace = false) => inplace ? Op.tanh_.CallInPlace(x, x) : Op.tanh.Call(x);
            public static Tensor tanhshrink(Tensor x, bool inplace = false) => inplace ? x.sub_(x.tanh()) : x - x.tanh();
            public static Tensor Tanhshrink(Tensor x) => tanhshrink(x);
            public static Tensor threshold(Tensor x, double threshold, double value, bool inplace = false) => inplace ? Op.threshold_.CallInPlace(x, x, threshold, value) : Op.threshold.Call(x, threshold, value);
            public static Tensor Threshold(Tensor x, double threshold, double value, bool inplace = false) => torch.nn.functional.threshold(x, threshold, value, inplace);
        }
    }
}
