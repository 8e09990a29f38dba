using Tessera.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static partial class special
    {
        public static Tensor airy_ai(Tensor input, Tensor? @out = null) => Into(Op.special_airy_ai.Call(input), @out);
        public static Tensor bessel_j0(Tensor input, Tensor? @out = null) => Into(Op.special_bessel_j0.Call(input), @out);
        public static Tensor bessel_j1(Tensor input, Tensor? @out = null) => Into(Op.special_bessel_j1.Call(input), @out);
        public static Tensor bessel_y0(Tensor input, Tensor? @out = null) => Into(Op.special_bessel_y0.Call(input), @out);
        public static Tensor bessel_y1(Tensor input, Tensor? @out = null) => Into(Op.special_bessel_y1.Call(input), @out);
        public static Tensor modified_bessel_i0(Tensor input, Tensor? @out = null) => Into(Op.special_modified_bessel_i0.Call(input), @out);
        public static Tensor modified_bessel_i1(Tensor input, Tensor? @out = null) => Into(Op.special_modified_bessel_i1.Call(input), @out);
        public static Tensor modified_bessel_k0(Tensor input, Tensor? @out = null) => Into(Op.special_modified_bessel_k0.Call(input), @out);
        public static Tensor modified_bessel_k1(Tensor input, Tensor? @out = null) => Into(Op.special_modified_bessel_k1.Call(input), @out);
        public static Tensor scaled_modified_bessel_k0(Tensor input, Tensor? @out = null) => Into(Op.special_scaled_modified_bessel_k0.Call(input), @out);
        public static Tensor scaled_modified_bessel_k1(Tensor input, Tensor? @out = null) => Into(Op.special_scaled_modified_bessel_k1.Call(input), @out);
        public static Tensor spherical_bessel_j0(Tensor input, Tensor? @out = null) => Into(Op.special_spherical_bessel_j0.Call(input), @out);
        public static Tensor chebyshev_polynomial_t(Tensor x, Tensor n, Tensor? @out = null) => Into(Op.special_chebyshev_polynomial_t.Call(x, n), @out);
        public static Tensor chebyshev_polynomial_u(Tensor x, Tensor n, Tensor? @out = null) => Into(Op.special_chebyshev_polynomial_u.Call(x, n), @out);
        public static Tensor chebyshev_polynomial_v(Tensor x, Tensor n, Tensor? @out = null) => Into(Op.special_chebyshev_polynomial_v.Call(x, n), @out);
        public static Tensor chebyshev_polynomial_w(Tensor x, Tensor n, Tensor? @out = null) => Into(Op.special_chebyshev_polynomial_w.Call(x, n), @out);
        public static Tensor shifted_chebyshev_polynomial_t(Tensor x, Tensor n, Tensor? @out = null) => Into(Op.special_shifted_chebyshev_polynomial_t.Call(x, n), @out);
        public static Tensor shifted_chebyshev_polynomial_u(Tensor x, Tensor n, Tensor? @out = null) => Into(Op.special_shifted_chebyshev_polynomial_u.Call(x, n), @out);
        public static Tensor shifted_chebyshev_polynomial_v(Tensor x, Tensor n, Tensor? @out = null) => Into(Op.special_shifted_chebyshev_polynomial_v.Call(x, n), @out);
        public static Tensor shifted_chebyshev_polynomial_w(Tensor x, Tensor n, Tensor? @out = null) => Into(Op.special_shifted_chebyshev_polynomial_w.Call(x, n), @out);
        public static Tensor hermite_polynomial_h(Tensor x, Tensor n, Tensor? @out = null) => Into(Op.special_hermite_polynomial_h.Call(x, n), @out);
        public static Tensor hermite_polynomial_he(Tensor x, Tensor n, Tensor? @out = null) => Into(Op.special_hermite_polynomial_he.Call(x, n), @out);
        public static Tensor laguerre_polynomial_l(Tensor x, Tensor n, Tensor? @out = null) => Into(Op.special_laguerre_polynomial_l.Call(x, n), @out);
        public static Tensor legendre_polynomial_p(Tensor x, Tensor n, Tensor? @out = null) => Into(Op.special_legendre_polynomial_p.Call(x, n), @out);
        public static Tensor entr(Tensor input) => Op.special_entr.Unary(input);
        public static Tensor erf(Tensor input) => Op.special_erf.Unary(input);
        public static Tensor erfc(Tensor input) => Op.special_erfc.Unary(input);
        public static Tensor erfcx(Tensor input) => Op.special_erfcx.Unary(input);
        public static Tensor erfinv(Tensor input) => Op.special_erfinv.Unary(input);
        public static Tensor expit(Tensor input) => Op.special_expit.Unary(input);
        public static Tensor expm1(Tensor input) => Op.special_expm1.Unary(input);
        public static Tensor exp2(Tensor input) => Op.special_exp2.Unary(input);
        public static Tensor gammaln(Tensor input) => Op.special_gammaln.Unary(input);
        public static Tensor gammainc(Tensor input, Tensor other) => Op.special_gammainc.Binary(input, other);
        public static Tensor gammaincc(Tensor input, Tensor other) => Op.special_gammaincc.Binary(input, other);
        public static Tensor multigammaln(Tensor input, long p) => Op.special_multigammaln.Call(input, p);
        public static Tensor digamma(Tensor input) => Op.special_digamma.Unary(input);
        public static Tensor psi(Tensor input) => Op.special_psi.Unary(input);
        public static Tensor i0(Tensor input) => Op.special_i0.Unary(input);
        public static Tensor i0e(Tensor input) => Op.special_i0e.Unary(input);
        public static Tensor i1(Tensor input) => Op.special_i1.Unary(input);
        public static Tensor i1e(Tensor input) => Op.special_i1e.Unary(input);
        public static Tensor logit(Tensor input) => Op.special_logit.Unary(input);
        public static Tensor log_softmax(Tensor input, long dim, ScalarType? dtype = null) => Op.special_log_softmax.Call(input, dim, dtype);
        public static Tensor ndtr(Tensor input) => Op.special_ndtr.Unary(input);
        public static Tensor ndtri(Tensor input) => Op.special_ndtri.Unary(input);
        public static Tensor sinc(Tensor input) => Op.special_sinc.Unary(input);
        public static Tensor softmax(Tensor input, long dim, ScalarType? dtype = null) => Op.special_softmax.Call(input, dim, dtype);
        public static Tensor xlog1py(Tensor input, Tensor other) => Op.special_xlog1py.Binary(input, other);
        public static Tensor zeta(Tensor x, Tensor q) => Op.special_zeta.Binary(x, q);
    }
}
