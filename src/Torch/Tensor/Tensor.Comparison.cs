using Tessera.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor argsort(long dim = -1, bool descending = false) => Op.argsort.Call(this, dim, descending);
        public Tensor isclose(Tensor other, double rtol = 1E-05, double atol = 1E-08, bool nanEqual = false) => Op.isclose.Call(this, other, rtol, atol, nanEqual);
        public Tensor isin(Tensor test_elements, bool assumeUnique = false, bool invert = false) => Op.isin_Tensor_Tensor.Call(this, test_elements, assumeUnique, invert);
        public Tensor isinf() => Op.isinf.Unary(this);
        public Tensor isfinite() => Op.isfinite.Unary(this);
        public Tensor isposinf() => Op.isposinf.Unary(this);
        public Tensor isneginf() => Op.isneginf.Unary(this);
        public Tensor isnan() => Op.isnan.Unary(this);
        public Tensor isreal() => Op.isreal.Unary(this);
        public Tensor eq(Tensor target) => Op.eq_Tensor.Binary(this, target);
        public Tensor eq_(Tensor target) => Op.eq__Tensor.CallInPlace(this, this, target);
        public Tensor eq(Scalar target) => Op.eq_Scalar.Call(this, target);
        public Tensor eq_(Scalar target) => Op.eq__Scalar.CallInPlace(this, this, target);
        public bool allclose(Tensor target, double rtol = 1E-05, double atol = 1E-08, bool equal_nan = false) => Op.allclose.CallBool(this, target, rtol, atol, equal_nan);
        public Tensor ge(Tensor target) => Op.ge_Tensor.Binary(this, target);
        public Tensor greater_equal(Tensor target) => Op.greater_equal_Tensor.Binary(this, target);
        public Tensor ge_(Tensor target) => Op.ge__Tensor.CallInPlace(this, this, target);
        public Tensor ge(Scalar target) => Op.ge_Scalar.Call(this, target);
        public Tensor ge_(Scalar target) => Op.ge__Scalar.CallInPlace(this, this, target);
        public Tensor gt(Tensor target) => Op.gt_Tensor.Binary(this, target);
        public Tensor greater(Tensor target) => Op.gt_Tensor.Binary(this, target);
        public Tensor gt_(Tensor target) => Op.gt__Tensor.CallInPlace(this, this, target);
        public Tensor gt(Scalar target) => Op.gt_Scalar.Call(this, target);
        public Tensor gt_(Scalar target) => Op.gt__Scalar.CallInPlace(this, this, target);
        public Tensor le(Tensor target) => Op.le_Tensor.Binary(this, target);
        public Tensor less_equal(Tensor target) => Op.less_equal_Tensor.Binary(this, target);
        public Tensor le_(Tensor target) => Op.le__Tensor.CallInPlace(this, this, target);
        public Tensor less_equal_(Tensor target) => Op.less_equal__Tensor.CallInPlace(this, this, target);
        public Tensor le(Scalar target) => Op.le_Scalar.Call(this, target);
        public Tensor le_(Scalar target) => Op.le__Scalar.CallInPlace(this, this, target);
        public Tensor lt(Tensor target) => Op.lt_Tensor.Binary(this, target);
        public Tensor less(Tensor target) => Op.lt_Tensor.Binary(this, target);
        public Tensor lt_(Tensor target) => Op.lt__Tensor.CallInPlace(this, this, target);
        public Tensor lt(Scalar target) => Op.lt_Scalar.Call(this, target);
        public Tensor lt_(Scalar target) => Op.lt__Scalar.CallInPlace(this, this, target);
        public (Tensor values, Tensor indexes) topk(int k, int dim = -1, bool largest = true, bool sorted = true) => Op.topk.Call2(this, k, dim, largest, sorted);
        public Tensor maximum(Tensor other) => Op.maximum.Binary(this, other);
        public Tensor minimum(Tensor other) => Op.minimum.Binary(this, other);
        public Tensor msort() => Op.msort.Unary(this);
        public (Tensor Values, Tensor Indices) sort(long dim = -1, bool descending = false, bool stable = false) => Op.sort_stable.Call2(this, stable, dim, descending);
        public Tensor ne(Tensor target) => Op.ne_Tensor.Binary(this, target);
        public Tensor not_equal(Tensor target) => Op.not_equal_Tensor.Binary(this, target);
        public Tensor ne_(Tensor target) => Op.ne__Tensor.CallInPlace(this, this, target);
        public Tensor not_equal_(Tensor target) => Op.not_equal__Tensor.CallInPlace(this, this, target);
        public Tensor ne(Scalar target) => Op.ne_Scalar.Call(this, target);
        public Tensor ne_(Scalar target) => Op.ne__Scalar.CallInPlace(this, this, target);
    }
}
