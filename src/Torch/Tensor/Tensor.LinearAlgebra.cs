using Tessera.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor baddbmm(Tensor batch1, Tensor batch2, float beta = 1f, float alpha = 1f) => Op.baddbmm.Call(this, batch1, batch2, beta, alpha);
        public Tensor bmm(Tensor batch2) => Op.bmm.Binary(this, batch2);
        public Tensor outer(Tensor vec2) => Op.outer.Binary(this, vec2);
        public Tensor ger(Tensor vec2) => Op.ger.Binary(this, vec2);
        public Tensor inner(Tensor vec2) => Op.inner.Binary(this, vec2);
        public Tensor inverse() => Op.inverse.Unary(this);
        public Tensor cholesky(bool upper = false) => Op.cholesky.Call(this, upper);
        public Tensor cholesky_inverse(bool upper = false) => Op.cholesky_inverse.Call(this, upper);
        public Tensor cholesky_solve(Tensor input2, bool upper = false) => Op.cholesky_solve.Call(this, input2, upper);
        public Tensor det() => Op.det.Unary(this);
        public Tensor logdet() => Op.logdet.Unary(this);
        public (Tensor a, Tensor tau) geqrf() => Op.geqrf.Call2(this);
        public Tensor matmul(Tensor target) => Op.matmul.Binary(this, target);
        public Tensor mm(Tensor target) => Op.mm.Binary(this, target);
        public Tensor mv(Tensor target) => Op.mv.Binary(this, target);
        public Tensor matrix_exp() => Op.matrix_exp.Unary(this);
        public Tensor matrix_power(int n) => Op.matrix_power.Call(this, n);
        public Tensor vdot(Tensor target) => Op.vdot.Binary(this, target);
        public Tensor dot(Tensor target) => Op.dot.Binary(this, target);
        public Tensor ormqr(Tensor tau, Tensor other, bool left = true, bool transpose = false) => Op.ormqr.Call(this, tau, other, left, transpose);
        public Tensor addbmm(Tensor batch1, Tensor batch2, float beta = 1f, float alpha = 1f) => Op.addbmm.Call(this, batch1, batch2, beta, alpha);
        public Tensor addbmm_(Tensor batch1, Tensor batch2, float beta = 1f, float alpha = 1f) => Op.addbmm_.CallInPlace(this, this, batch1, batch2, beta, alpha);
        public Tensor addmm(Tensor mat1, Tensor mat2, float beta = 1f, float alpha = 1f) => Op.addmm.Call(this, mat1, mat2, beta, alpha);
        public Tensor addmm_(Tensor mat1, Tensor mat2, float beta = 1f, float alpha = 1f) => Op.addmm_.CallInPlace(this, this, mat1, mat2, beta, alpha);
        public Tensor addmv(Tensor mat, Tensor vec, float beta = 1f, float alpha = 1f) => Op.addmv.Call(this, mat, vec, beta, alpha);
        public Tensor addmv_(Tensor mat, Tensor vec, float beta = 1f, float alpha = 1f) => Op.addmv_.CallInPlace(this, this, mat, vec, beta, alpha);
        public Tensor addr(Tensor vec1, Tensor vec2, float beta = 1f, float alpha = 1f) => Op.addr.Call(this, vec1, vec2, beta, alpha);
        public Tensor addr_(Tensor vec1, Tensor vec2, float beta = 1f, float alpha = 1f) => Op.addr_.CallInPlace(this, this, vec1, vec2, beta, alpha);
        public Tensor cumulative_trapezoid(double dx = 1.0, long dim = -1) => Op.cumulative_trapezoid_dx.Call(this, dx, dim);
        public Tensor cumulative_trapezoid(Tensor x, long dim = -1) => Op.cumulative_trapezoid_x.Call(this, x, dim);
        public Tensor trapezoid(double dx = 1.0, long dim = -1) => Op.trapezoid_dx.Call(this, dx, dim);
        public Tensor trapezoid(Tensor x, long dim = -1) => Op.trapezoid_x.Call(this, x, dim);
    }
}
