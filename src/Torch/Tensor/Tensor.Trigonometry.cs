using Tessera.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        public Tensor angle() => Op.angle.Call(this);
        public Tensor asin() => Op.asin.Call(this);
        public Tensor arcsin() => Op.arcsin.Call(this);
        public Tensor acos() => Op.acos.Call(this);
        public Tensor arccos() => Op.arccos.Call(this);
        public Tensor atan() => Op.atan.Call(this);
        public Tensor arctan() => Op.arctan.Call(this);
        public Tensor atan2(Tensor other) => Op.atan2.Call(this, other);
        public Tensor arctan2(Tensor other) => Op.arctan2.Call(this, other);
        public Tensor cos() => Op.cos.Call(this);
        public Tensor sin() => Op.sin.Call(this);
        public Tensor tan() => Op.tan.Call(this);
        public Tensor sinc() => Op.sinc.Call(this);
        public Tensor sinh() => Op.sinh.Call(this);
        public Tensor cosh() => Op.cosh.Call(this);
        public Tensor tanh() => Op.tanh.Call(this);
        public Tensor arcsinh() => Op.arcsinh.Call(this);
        public Tensor asinh() => Op.asinh.Call(this);
        public Tensor arccosh() => Op.arccosh.Call(this);
        public Tensor acosh() => Op.acosh.Call(this);
        public Tensor arctanh() => Op.arctanh.Call(this);
        public Tensor atanh() => Op.atanh.Call(this);
    }
}
