using Tessera.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor angle() => Op.angle.Unary(this);
        public Tensor asin() => Op.asin.Unary(this);
        public Tensor arcsin() => Op.arcsin.Unary(this);
        public Tensor acos() => Op.acos.Unary(this);
        public Tensor arccos() => Op.arccos.Unary(this);
        public Tensor atan() => Op.atan.Unary(this);
        public Tensor arctan() => Op.arctan.Unary(this);
        public Tensor atan2(Tensor other) => Op.atan2.Binary(this, other);
        public Tensor arctan2(Tensor other) => Op.arctan2.Binary(this, other);
        public Tensor cos() => Op.cos.Unary(this);
        public Tensor sin() => Op.sin.Unary(this);
        public Tensor tan() => Op.tan.Unary(this);
        public Tensor sinc() => Op.sinc.Unary(this);
        public Tensor sinh() => Op.sinh.Unary(this);
        public Tensor cosh() => Op.cosh.Unary(this);
        public Tensor tanh() => Op.tanh.Unary(this);
        public Tensor arcsinh() => Op.arcsinh.Unary(this);
        public Tensor asinh() => Op.asinh.Unary(this);
        public Tensor arccosh() => Op.arccosh.Unary(this);
        public Tensor acosh() => Op.acosh.Unary(this);
        public Tensor arctanh() => Op.arctanh.Unary(this);
        public Tensor atanh() => Op.atanh.Unary(this);
    }
}
