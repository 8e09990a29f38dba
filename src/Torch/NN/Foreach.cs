using Tessera.Torch.Interop;
using static TorchSharp.torch;

namespace TorchSharp;

/// <summary>libtorch's operators over lists of tensors: one call for a whole model instead of one for each parameter.</summary>
internal static class Foreach
{
    private static readonly Operator s_mulScalar = new("_foreach_mul_", "Scalar");
    private static readonly Operator s_mulList = new("_foreach_mul_", "List");
    private static readonly Operator s_addScalar = new("_foreach_add_", "Scalar");
    private static readonly Operator s_addList = new("_foreach_add_", "List");
    private static readonly Operator s_addNew = new("_foreach_add", "List");
    private static readonly Operator s_divScalar = new("_foreach_div_", "Scalar");
    private static readonly Operator s_divList = new("_foreach_div_", "List");
    private static readonly Operator s_addcmul = new("_foreach_addcmul_", "Scalar");
    private static readonly Operator s_addcdiv = new("_foreach_addcdiv_", "Scalar");
    private static readonly Operator s_sqrt = new("_foreach_sqrt");
    private static readonly Operator s_neg = new("_foreach_neg");
    private static readonly Operator s_norm = new("_foreach_norm", "Scalar");
    private static readonly Operator s_zero = new("_foreach_zero_");
    private static readonly Operator s_maximum = new("_foreach_maximum", "List");

    public static void Mul_(Tensor[] self, double factor) => s_mulScalar.CallVoid(self, factor);
    public static void Mul_(Tensor[] self, Tensor[] other) => s_mulList.CallVoid(self, other);
    public static void Add_(Tensor[] self, double value) => s_addScalar.CallVoid(self, value);
    public static void Add_(Tensor[] self, Tensor[] other, double alpha = 1) => s_addList.CallVoid(self, other, alpha);
    public static Tensor[] Add(Tensor[] self, Tensor[] other, double alpha = 1) => s_addNew.CallList(self, other, alpha);
    public static void Div_(Tensor[] self, double divisor) => s_divScalar.CallVoid(self, divisor);
    public static void Div_(Tensor[] self, Tensor[] other) => s_divList.CallVoid(self, other);

    /// <summary>self += value · a · b</summary>
    public static void AddCMul_(Tensor[] self, Tensor[] a, Tensor[] b, double value = 1) => s_addcmul.CallVoid(self, a, b, value);

    /// <summary>self += value · a / b</summary>
    public static void AddCDiv_(Tensor[] self, Tensor[] a, Tensor[] b, double value = 1) => s_addcdiv.CallVoid(self, a, b, value);

    public static Tensor[] Sqrt(Tensor[] self) => s_sqrt.CallList(self);
    public static Tensor[] Neg(Tensor[] self) => s_neg.CallList(self);
    public static Tensor[] Maximum(Tensor[] self, Tensor[] other) => s_maximum.CallList(self, other);
    public static void Zero_(Tensor[] self) => s_zero.CallVoid(self);
    public static Tensor[] Norm(Tensor[] self, double order) => s_norm.CallList(self, order);
}
