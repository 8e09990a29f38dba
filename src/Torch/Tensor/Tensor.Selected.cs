using Tessera.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor squeeze(long? dim = null) => dim is { } d ? Op.squeeze_dim.Call(this, d) : Op.squeeze.Call(this);
        public Tensor squeeze_(long? dim = null) => dim is { } d ? Op.squeeze__dim.CallInPlace(this, this, d) : Op.squeeze_.CallInPlace(this, this);

        public Tensor expand(long[] sizes, bool isImplicit = false) => Op.expand.Call(this, sizes, isImplicit);
        public Tensor expand(ReadOnlySpan<long> sizes, bool isImplicit = false) => Op.expand.Call(this, sizes.ToArray(), isImplicit);
        public Tensor expand(Size sizes, bool isImplicit = false) => Op.expand.Call(this, sizes.Shape, isImplicit);
        public Tensor expand(params long[] sizes) => Op.expand.Call(this, sizes);
        public Tensor unflatten(long dim, Size sizes) => unflatten(dim, sizes.Shape);

        public Tensor max() => Op.max.Unary(this);
        public Tensor max(Tensor other) => Op.max_other.Binary(this, other);
        public (Tensor values, Tensor indexes) max(long dim, bool keepdim = false) => Op.max_dim.Call2(this, dim, keepdim);
        public Tensor min() => Op.min.Unary(this);
        public Tensor min(Tensor other) => Op.min_other.Binary(this, other);
        public (Tensor values, Tensor indexes) min(long dim, bool keepdim = false) => Op.min_dim.Call2(this, dim, keepdim);
        public (Tensor values, Tensor indices) kthvalue(long k, long? dim, bool keepdim = false) => Op.kthvalue.Call2(this, k, dim ?? -1, keepdim);
        public static (Tensor values, Tensor indices) kthvalue(Tensor input, long k, long? dim, bool keepdim = false) => input.kthvalue(k, dim, keepdim);

        public Tensor clamp(Scalar? min = null, Scalar? max = null) => Op.clamp.Call(this, min, max);
        public Tensor clamp(Tensor? min = null, Tensor? max = null) => Op.clamp_Tensor.Call(this, min, max);
        public Tensor clamp_(Scalar? min = null, Scalar? max = null) => Op.clamp_.CallInPlace(this, this, min, max);
        public Tensor clamp_(Tensor? min = null, Tensor? max = null) => Op.clamp__Tensor.CallInPlace(this, this, min, max);
        public Tensor clip(Scalar? min = null, Scalar? max = null) => clamp(min, max);

        /// <summary>Where the two are equal, element by element (as eq).</summary>
        public Tensor equal(Tensor target) => eq(target);

        public (Tensor output, Tensor? inverse_indices, Tensor? counts) unique(bool sorted = true, bool return_inverse = false, bool return_counts = false, int? dim = null)
        {
            var (output, inverse, counts) = dim is { } d
                ? Op.unique_dim.Call3(this, d, sorted, return_inverse, return_counts)
                : Op._unique2.Call3(this, sorted, return_inverse, return_counts);
            return (output, Wanted(inverse, return_inverse), Wanted(counts, return_counts));
        }

        public (Tensor output, Tensor? inverse_indices, Tensor? counts) unique_consecutive(bool return_inverse = false, bool return_counts = false, int? dim = null)
        {
            var (output, inverse, counts) = Op.unique_consecutive.Call3(this, return_inverse, return_counts, dim);
            return (output, Wanted(inverse, return_inverse), Wanted(counts, return_counts));
        }

        private static Tensor? Wanted(Tensor tensor, bool wanted)
        {
            if (wanted) return tensor;
            tensor.Dispose();
            return null;
        }

        private Tensor Like(Operator op, ScalarType? dtype, Device? device, bool requires_grad, Argument first = default, Argument second = default)
        {
            var result = second.Tag != ValueTag.None ? op.Call(this, first, second, dtype, Argument.None, device)
                : first.Tag != ValueTag.None ? op.Call(this, first, dtype, Argument.None, device)
                : op.Call(this, dtype, Argument.None, device);
            return WithGrad(result, requires_grad);
        }

        public Tensor std(bool unbiased = true) => Op.std.Call(this, unbiased);
        public Tensor var(bool unbiased = true) => Op.var.Call(this, unbiased);
        public (Tensor std, Tensor mean) std_mean(bool unbiased = true) => Op.std_mean.Call2(this, unbiased);
        public (Tensor std, Tensor mean) var_mean(bool unbiased = true) => Op.var_mean.Call2(this, unbiased);
        public Tensor std(long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => As(Op.std_dim.Call(this, dimensions, unbiased, keepdim), type);
        public Tensor std(ReadOnlySpan<long> dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => std(dimensions.ToArray(), unbiased, keepdim, type);
        public Tensor std(long dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => std(Lists.Of(dim), unbiased, keepdim, type);
        public Tensor std((long, long) dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => std(Lists.Of(dim), unbiased, keepdim, type);
        public Tensor std((long, long, long) dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => std(Lists.Of(dim), unbiased, keepdim, type);
        public Tensor var(long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => As(Op.var_dim.Call(this, dimensions, unbiased, keepdim), type);
        public Tensor var(ReadOnlySpan<long> dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => var(dimensions.ToArray(), unbiased, keepdim, type);
        public Tensor var(long dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => var(Lists.Of(dim), unbiased, keepdim, type);
        public Tensor var((long, long) dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => var(Lists.Of(dim), unbiased, keepdim, type);
        public Tensor var((long, long, long) dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => var(Lists.Of(dim), unbiased, keepdim, type);

        public (Tensor std, Tensor mean) std_mean(long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => As(Op.std_mean_dim.Call2(this, dimensions, unbiased, keepdim), type);
        public (Tensor std, Tensor mean) std_mean(ReadOnlySpan<long> dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => std_mean(dimensions.ToArray(), unbiased, keepdim, type);
        public (Tensor std, Tensor mean) std_mean(long dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => std_mean(Lists.Of(dim), unbiased, keepdim, type);
        public (Tensor std, Tensor mean) std_mean((long, long) dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => std_mean(Lists.Of(dim), unbiased, keepdim, type);
        public (Tensor std, Tensor mean) std_mean((long, long, long) dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => std_mean(Lists.Of(dim), unbiased, keepdim, type);
        public (Tensor std, Tensor mean) var_mean(long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => As(Op.var_mean_dim.Call2(this, dimensions, unbiased, keepdim), type);
        public (Tensor std, Tensor mean) var_mean(ReadOnlySpan<long> dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => var_mean(dimensions.ToArray(), unbiased, keepdim, type);
        public (Tensor var, Tensor mean) var_mean(long dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => var_mean(Lists.Of(dim), unbiased, keepdim, type);
        public (Tensor var, Tensor mean) var_mean((long, long) dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => var_mean(Lists.Of(dim), unbiased, keepdim, type);
        public (Tensor var, Tensor mean) var_mean((long, long, long) dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => var_mean(Lists.Of(dim), unbiased, keepdim, type);

        // Converts where another type is asked for.
        private static Tensor As(Tensor tensor, ScalarType? type) => type is { } t && t != tensor.dtype ? tensor.to_type(t, disposeAfter: true) : tensor;
        private static (Tensor, Tensor) As((Tensor, Tensor) pair, ScalarType? type) => (As(pair.Item1, type), As(pair.Item2, type));

        public Tensor sum(long dim0, long dim1, bool keepdim = false, ScalarType? type = null) => Op.sum_dim_IntList.Call(this, (long[])[dim0, dim1], keepdim, type);
        public Tensor sum(long dim0, long dim1, long dim2, bool keepdim = false, ScalarType? type = null) => Op.sum_dim_IntList.Call(this, (long[])[dim0, dim1, dim2], keepdim, type);
        public Tensor nanmean(int? dim = null, bool keepdim = false, ScalarType? dtype = null) => Op.nanmean.Call(this, Lists.Of(dim), keepdim, dtype);
        public Tensor rot90(long k = 1, (long, long)? dims = null) => Op.rot90.Call(this, k, Lists.Of(dims) ?? [0, 1]);
        public Tensor polygamma(long p) => Op.polygamma.Call(p, this);
        public Tensor tensordot(Tensor b, (long, long)[] dims) => tensordot(b, Array.ConvertAll(dims, d => d.Item1), Array.ConvertAll(dims, d => d.Item2));

        public Tensor tensordot(Tensor b, long dims = 2)
        {
            long[] last = new long[dims], first = new long[dims];
            for (var i = 0; i < dims; i++) (last[i], first[i]) = (i - dims, i);
            return tensordot(b, last, first);
        }

        public Tensor cross(Scalar other, long dim) => Op.cross.Call(this, MakeFull(shape, other, dtype, device, false, null), dim);
        public Tensor pinverse(double rcond = 1E-15, bool hermitian = false) => linalg.pinv(this, rcond, hermitian);
        public Tensor arctan(Tensor other) => atan2(other);
        public Tensor arctan_(Tensor other) => atan2_(other);
        public Tensor take_along_dim(Tensor indices) => Op.take_along_dim.Binary(this, indices);
        public Tensor take_along_dim(Tensor indices, long dim) => Op.take_along_dim.Call(this, indices, dim);
        public Tensor take_along_dim(IEnumerable<long> indices) => take_along_dim(tensor(indices.ToArray(), device: device));
        public Tensor take_along_dim(IEnumerable<long> indices, long dim) => take_along_dim(tensor(indices.ToArray(), device: device), dim);
        public IList<Tensor> nonzero_as_list() => Op.nonzero_numpy.CallList(this);

        public Tensor[] vsplit(Tensor indices) => vsplit(indices.to_type(ScalarType.Int64).data<long>().ToArray());
        public Tensor[] hsplit(Tensor indices) => hsplit(indices.to_type(ScalarType.Int64).data<long>().ToArray());
        public Tensor[] dsplit(Tensor indices) => dsplit(indices.to_type(ScalarType.Int64).data<long>().ToArray());
        public Tensor where(Tensor condition, Tensor y) => Op.where_self.Call(condition, this, y);
        public Tensor vander(long N = -1, bool increasing = false) => Op.vander.Call(this, N < 0 ? (long?)null : N, increasing);
        public Tensor round(long decimals = 0) => decimals == 0 ? Op.round.Call(this) : Op.round_decimals.Call(this, decimals);
        public Tensor round_(long decimals = 0) => decimals == 0 ? Op.round_.CallInPlace(this, this) : Op.round__decimals.CallInPlace(this, this, decimals);

        public Tensor div(Tensor target, RoundingMode rounding_mode = RoundingMode.None) =>
            rounding_mode == RoundingMode.None ? Op.div_Tensor.Binary(this, target) : Op.div_Tensor_mode.Call(this, target, ModeName(rounding_mode));

        public Tensor div(Scalar target, RoundingMode rounding_mode = RoundingMode.None) =>
            rounding_mode == RoundingMode.None ? Op.div_Scalar.Call(this, target) : Op.div_Scalar_mode.Call(this, target, ModeName(rounding_mode));

        public Tensor div_(Tensor target, RoundingMode rounding_mode = RoundingMode.None) =>
            rounding_mode == RoundingMode.None ? Op.div__Tensor.CallInPlace(this, this, target) : Op.div__Tensor_mode.CallInPlace(this, this, target, ModeName(rounding_mode));

        public Tensor div_(Scalar target, RoundingMode rounding_mode = RoundingMode.None) =>
            rounding_mode == RoundingMode.None ? Op.div__Scalar.CallInPlace(this, this, target) : Op.div__Scalar_mode.CallInPlace(this, this, target, ModeName(rounding_mode));

        public Tensor random_(double from, double to, Generator? generator = null) => Op.random__from.CallInPlace(this, this, (long)from, (long)to, generator);
    }
}
