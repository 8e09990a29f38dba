using Tessera.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor fill_(Scalar value) => Op.fill__Scalar.CallInPlace(this, this, value);
        public Tensor type_as(Tensor tensor) => Op.type_as.Binary(this, tensor);
        public Tensor to_dense() => Op.to_dense.Unary(this);
        public Tensor clone() => Op.clone.Unary(this);
        public Tensor copy_(Tensor source, bool nonBlocking = false) => Op.copy_.CallInPlace(this, this, source, nonBlocking);
        public Tensor pin_memory() => Op.pin_memory.Unary(this);
        public Tensor tril_(long diagonal = 0) => Op.tril_.CallInPlace(this, this, diagonal);
        public Tensor triu_(long diagonal = 0) => Op.triu_.CallInPlace(this, this, diagonal);
        public Tensor view_as_complex() => Op.view_as_complex.Unary(this);
        public Tensor view_as_real() => Op.view_as_real.Unary(this);
        public Tensor cov(long correction = 1, Tensor? fweights = null, Tensor? aweights = null) => Op.cov.Call(this, correction, fweights, aweights);
        public Tensor corrcoef() => Op.corrcoef.Unary(this);
        public Tensor bucketize(Tensor boundaries, bool outInt32 = false, bool right = false) => Op.bucketize_Tensor.Call(this, boundaries, outInt32, right);
        public Tensor bincount(Tensor? weights, long minlength = 0) => Op.bincount.Call(this, weights, minlength);
        public Tensor channel_shuffle(long groups) => Op.channel_shuffle.Call(this, groups);
        public Tensor diff(long n = 1, long dim = -1, Tensor? prepend = null, Tensor? append = null) => Op.diff.Call(this, n, dim, prepend, append);
        public Tensor trace() => Op.trace.Unary(this);
        public Tensor kron(Tensor other) => Op.kron.Binary(this, other);
        public Tensor lcm(Tensor other) => Op.lcm.Binary(this, other);
        public Tensor lcm_(Tensor other) => Op.lcm_.CallInPlace(this, this, other);
        public Tensor renorm(float p, long dim, float maxnorm) => Op.renorm.Call(this, p, dim, maxnorm);
        public Tensor binomial(Tensor prob, Generator? generator = null) => Op.binomial.Call(this, prob, generator);
        public Tensor zero_() => Op.zero_.CallInPlace(this, this);
        public Tensor atleast_1d() => Op.atleast_1d.Unary(this);
        public Tensor atleast_2d() => Op.atleast_2d.Unary(this);
        public Tensor atleast_3d() => Op.atleast_3d.Unary(this);
        public Tensor tensordot(Tensor b, long[] dims1, long[] dims2) => Op.tensordot.Call(this, b, dims1, dims2);
        public Tensor resolve_conj() => Op.resolve_conj.Unary(this);
        public Tensor resolve_neg() => Op.resolve_neg.Unary(this);
        public (Tensor values, Tensor indexes) cummax(long dim) => Op.cummax.Call2(this, dim);
        public (Tensor values, Tensor indexes) cummin(long dim) => Op.cummin.Call2(this, dim);
        public Tensor cumsum(long dim, ScalarType? type = null) => Op.cumsum.Call(this, dim, type);
        public Tensor cumprod(long dim, ScalarType? type = null) => Op.cumprod.Call(this, dim, type);
        public Tensor gcd(Tensor other) => Op.gcd.Binary(this, other);
        public Tensor gcd_(Tensor other) => Op.gcd_.CallInPlace(this, this, other);
        public Tensor histc(long bins = 100, long min = 0, long max = 0) => Op.histc.Call(this, bins, min, max);
        public Tensor logcumsumexp(long dim) => Op.logcumsumexp.Call(this, dim);
    }
}
