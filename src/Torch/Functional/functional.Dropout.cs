using Tessera.Torch.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static partial class functional
        {
            public static Tensor alpha_dropout(Tensor input, double p = 0.5, bool training = false, bool inplace = false) => inplace ? Op.alpha_dropout_.CallInPlace(input, input, p, training) : Op.alpha_dropout.Call(input, p, training);
            public static Tensor dropout(Tensor input, double p = 0.5, bool training = true, bool inplace = false) => inplace ? Op.dropout_.CallInPlace(input, input, p, training) : Op.dropout.Call(input, p, training);
            public static Tensor dropout1d(Tensor input, double p = 0.5, bool training = true, bool inplace = false) => inplace ? Op.feature_dropout_.CallInPlace(input, input, p, training) : Op.feature_dropout.Call(input, p, training);
            public static Tensor dropout2d(Tensor input, double p = 0.5, bool training = true, bool inplace = false) => inplace ? Op.feature_dropout_.CallInPlace(input, input, p, training) : Op.feature_dropout.Call(input, p, training);
            public static Tensor dropout3d(Tensor input, double p = 0.5, bool training = true, bool inplace = false) => inplace ? Op.feature_dropout_.CallInPlace(input, input, p, training) : Op.feature_dropout.Call(input, p, training);
            public static Tensor feature_alpha_dropout(Tensor input, double p = 0.5, bool training = false, bool inplace = false) => inplace ? Op.feature_alpha_dropout_.CallInPlace(input, input, p, training) : Op.feature_alpha_dropout.Call(input, p, training);
        }
    }
}
