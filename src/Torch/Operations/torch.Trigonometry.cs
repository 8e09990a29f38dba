using Tessera.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static Tensor acos(Tensor input) => input.acos();
    public static Tensor arccos(Tensor input) => input.arccos();
    public static Tensor acosh(Tensor input) => input.acosh();
    public static Tensor arccosh(Tensor input) => input.arccosh();
    public static Tensor angle(Tensor input) => input.angle();
    public static Tensor asin(Tensor input) => input.asin();
    public static Tensor arcsin(Tensor input) => input.arcsin();
    public static Tensor asinh(Tensor input) => input.asinh();
    public static Tensor arcsinh(Tensor input) => input.arcsinh();
    public static Tensor atan(Tensor input) => input.atan();
    public static Tensor arctan(Tensor input) => input.arctan();
    public static Tensor atanh(Tensor input) => input.atanh();
    public static Tensor arctanh(Tensor input) => input.arctanh();
    public static Tensor atan2(Tensor input, Tensor other) => input.atan2(other);
    public static Tensor arctan2(Tensor input, Tensor other) => input.arctan2(other);
    public static Tensor cos(Tensor input) => input.cos();
    public static Tensor cosh(Tensor input) => input.cosh();
    public static Tensor sin(Tensor input) => input.sin();
    public static Tensor sinc(Tensor input) => input.sinc();
    public static Tensor sinh(Tensor input) => input.sinh();
    public static Tensor tan(Tensor input) => input.tan();
    public static Tensor tanh(Tensor input) => input.tanh();
}
