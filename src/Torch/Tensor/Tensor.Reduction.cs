using Tessera.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor all() => Op.all.Unary(this);
        public Tensor all(long dim, bool keepdim = false) => Op.all_dim.Call(this, dim, keepdim);
        public Tensor amax(long[] dims, bool keepdim = false, Tensor? @out = null) => Into(Op.amax.Call(this, dims, keepdim), @out);
        public Tensor amax(params long[] dims) => Op.amax.Call(this, dims);
        public Tensor amax(ReadOnlySpan<long> dims, bool keepdim = false, Tensor? @out = null) => Into(Op.amax.Call(this, dims.ToArray(), keepdim), @out);
        public Tensor amin(ReadOnlySpan<long> dims, bool keepdim = false, Tensor? @out = null) => Into(Op.amin.Call(this, dims.ToArray(), keepdim), @out);
        public Tensor amin(long[] dims, bool keepdim = false, Tensor? @out = null) => Into(Op.amin.Call(this, dims, keepdim), @out);
        public Tensor amin(params long[] dims) => Op.amin.Call(this, dims);
        public (Tensor min, Tensor max) aminmax(long? dim = null, bool keepdim = false) => Op.aminmax.Call2(this, dim, keepdim);
        public Tensor any() => Op.any.Unary(this);
        public Tensor any(long dim, bool keepdim = false) => Op.any_dim.Call(this, dim, keepdim);
        public Tensor argmax() => Op.argmax.Unary(this);
        public Tensor argmax(long dim, bool keepdim = false) => Op.argmax.Call(this, dim, keepdim);
        public Tensor argmin() => Op.argmin.Unary(this);
        public Tensor argmin(long dim, bool keepdim = false) => Op.argmin.Call(this, dim, keepdim);
        public Tensor count_nonzero(long[]? dims = null) => Op.count_nonzero_dim_IntList.Call(this, dims);
        public Tensor mean() => Op.mean.Unary(this);
        public Tensor quantile(Tensor q, long dim = -1, bool keepdim = false) => Op.quantile.Call(this, q, dim, keepdim);
        public Tensor nanquantile(Tensor q, long dim = -1, bool keepdim = false) => Op.nanquantile.Call(this, q, dim, keepdim);
        public (Tensor values, Tensor indices) mode(long dim = -1, bool keepdim = false) => Op.mode.Call2(this, dim, keepdim);
        public Tensor mean(long[] dimensions, bool keepdim = false, ScalarType? type = null) => Op.mean_dim.Call(this, dimensions, keepdim, type);
        public Tensor median() => Op.median.Unary(this);
        public Tensor dist(Tensor other, float p = 2f) => Op.dist.Call(this, other, p);
        public Tensor norm(float p = 2f) => Op.norm_Scalar.Call(this, p);
        public Tensor norm(int dim, bool keepdim = false, float p = 2f) => Op.norm_ScalarOpt_dim.Call(this, p, Lists.Of(dim), keepdim);
        public Tensor prod(ScalarType? type = null) => Op.prod.Call(this, type);
        public Tensor prod(long dim, bool keepdim = false, ScalarType? type = null) => Op.prod_dim_int.Call(this, dim, keepdim, type);
        public Tensor sum(ScalarType? type = null) => Op.sum.Call(this, type);
        public Tensor sum(long[] dim, bool keepdim = false, ScalarType? type = null) => Op.sum_dim_IntList.Call(this, dim, keepdim, type);
        public Tensor sum(ReadOnlySpan<long> dim, bool keepdim = false, ScalarType? type = null) => Op.sum_dim_IntList.Call(this, dim.ToArray(), keepdim, type);
        public Tensor sum(long dim, bool keepdim = false, ScalarType? type = null) => Op.sum_dim_IntList.Call(this, Lists.Of(dim), keepdim, type);
        public Tensor nanmedian() => Op.nanmedian.Unary(this);
        public Tensor nansum() => Op.nansum.Unary(this);
        public Tensor logsumexp(long dim, bool keepdim = false) => Op.logsumexp.Call(this, Lists.Of(dim), keepdim);
    }
}
