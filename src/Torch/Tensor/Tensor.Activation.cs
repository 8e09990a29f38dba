using Tessera.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor threshold(Scalar threshold, Scalar value) => Op.threshold.Call(this, threshold, value);
        public Tensor threshold_(Scalar threshold, Scalar value) => Op.threshold_.CallInPlace(this, this, threshold, value);
        public Tensor softmax(long dim, ScalarType? dtype = null) => Op.softmax_int.Call(this, dim, dtype);
        public Tensor softplus(double beta = 1.0, double threshold = 20.0) => Op.softplus.Call(this, beta, threshold);
        public Tensor relu() => Op.relu.Unary(this);
        public Tensor relu_() => Op.relu_.CallInPlace(this, this);
        public Tensor relu6() => Op.relu6.Unary(this);
        public Tensor relu6_() => Op.relu6_.CallInPlace(this, this);
        public Tensor rrelu(double lower = 0.125, double upper = 0.3333333333333333) => Op.rrelu.Call(this, lower, upper);
        public Tensor rrelu_(double lower = 0.125, double upper = 0.3333333333333333) => Op.rrelu_.CallInPlace(this, this, lower, upper);
        public Tensor celu() => Op.celu.Unary(this);
        public Tensor celu_() => Op.celu_.CallInPlace(this, this);
        public Tensor celu(Scalar alpha) => Op.celu.Call(this, alpha);
        public Tensor celu_(Scalar alpha) => Op.celu_.CallInPlace(this, this, alpha);
        public Tensor elu(double alpha = 1.0) => Op.elu.Call(this, alpha);
        public Tensor elu_(double alpha = 1.0) => Op.elu_.CallInPlace(this, this, alpha);
        public Tensor elu(Scalar alpha, Scalar scale, Scalar input_scale) => Op.elu.Call(this, alpha, scale, input_scale);
        public Tensor elu_(Scalar alpha, Scalar scale, Scalar input_scale) => Op.elu_.CallInPlace(this, this, alpha, scale, input_scale);
        public Tensor gelu() => Op.gelu.Unary(this);
        public Tensor gelu_() => Op.gelu_.CallInPlace(this, this);
        public Tensor glu(long dim = -1) => Op.glu.Call(this, dim);
        public Tensor hardsigmoid() => Op.hardsigmoid.Unary(this);
        public Tensor hardsigmoid_() => Op.hardsigmoid_.CallInPlace(this, this);
        public Tensor hardswish() => Op.hardswish.Unary(this);
        public Tensor hardswish_() => Op.hardswish_.CallInPlace(this, this);
        public Tensor hardtanh(Scalar min, Scalar max) => Op.hardtanh.Call(this, min, max);
        public Tensor hardtanh_(Scalar min, Scalar max) => Op.hardtanh_.CallInPlace(this, this, min, max);
        public Tensor leaky_relu(Scalar negative_slope) => Op.leaky_relu.Call(this, negative_slope);
        public Tensor leaky_relu_(Scalar negative_slope) => Op.leaky_relu_.CallInPlace(this, this, negative_slope);
        public Tensor selu() => Op.selu.Unary(this);
        public Tensor selu_() => Op.selu_.CallInPlace(this, this);
        public Tensor silu() => Op.silu.Unary(this);
        public Tensor silu_() => Op.silu_.CallInPlace(this, this);
        public Tensor log_sigmoid() => Op.log_sigmoid.Unary(this);
        public Tensor prelu(Tensor target) => Op.prelu.Binary(this, target);
        public Tensor sigmoid() => Op.sigmoid.Unary(this);
        public Tensor log_softmax(long dim, ScalarType? dtype = null) => Op.log_softmax_int.Call(this, dim, dtype);
    }
}
