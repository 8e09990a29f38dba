using System.IO.Compression;
using System.Runtime.InteropServices;
using Tessera.Torch.Loading;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Torch.Layers;

/// <summary>A convolution whose weight lies as oneDNN wants it, for inference in float32 on the CPU: the usual one brings its weight into
/// that order at every call, which takes as long as the convolution of a single image does.</summary>
/// <remarks>
/// Why it exists: TorchSharp 0.107 has no method for the operators (mkldnn::_reorder_convolution_weight and
/// mkldnn::_convolution_pointwise, which torch.compile uses). TorchScript reaches them, but not by <c>jit.compile</c>, which knows the
/// operators of ATen alone; so a program is put together as torch.jit.save would write it.
/// </remarks>
public sealed class PackedConvolution : IDisposable
{
    // The object that the archive holds: of class M, with nothing in it but "training", which every module has.
    private static readonly byte[] s_object = [0x80, 2, .. "c__torch__\nM\n)"u8, 0x81, .. "}X\u0008\0\0\0training"u8, 0x89, .. "sb."u8];

    private const string Program = """
        class M(Module):
          __parameters__ = []
          __buffers__ = []
          training : bool
          def pack(self, w: Tensor, ph: int, pw: int, sh: int, sw: int, dh: int, dw: int, g: int, b: int, c: int, y: int, x: int) -> Tensor:
            return ops.mkldnn._reorder_convolution_weight(w, [ph, pw], [sh, sw], [dh, dw], g, [b, c, y, x])
          def run(self, x: Tensor, w: Tensor, b: Tensor, ph: int, pw: int, sh: int, sw: int, dh: int, dw: int, g: int) -> Tensor:
            none = annotate(List[Optional[number]], [])
            return ops.mkldnn._convolution_pointwise(x, w, b, [ph, pw], [sh, sw], [dh, dw], g, "none", none, "")
          def rectified(self, x: Tensor, w: Tensor, b: Tensor, ph: int, pw: int, sh: int, sw: int, dh: int, dw: int, g: int) -> Tensor:
            none = annotate(List[Optional[number]], [])
            return ops.mkldnn._convolution_pointwise(x, w, b, [ph, pw], [sh, sw], [dh, dw], g, "relu", none, "")

        """;

    private static readonly Lazy<jit.ScriptModule?> s_program = new(Load);

    private readonly Tensor _weight;
    private readonly Tensor _bias;
    private readonly object[] _shape; // padding, stride, dilation, groups

    private PackedConvolution(Tensor weight, Tensor bias, object[] shape) => (_weight, _bias, _shape) = (weight, bias, shape);

    /// <summary>Packs a weight.</summary>
    /// <param name="weight">[Out, In / groups, Kh, Kw], float32, on the CPU; a copy is made.</param>
    /// <param name="bias">[Out]; taken over.</param>
    /// <param name="input">The shape [B, In, H, W] that it is packed for; others are taken, too, maybe more slowly.</param>
    /// <param name="stride">Of rows and columns, as padding and dilation.</param>
    /// <returns>Null where this libtorch has no oneDNN, or for another type or device.</returns>
    public static PackedConvolution? Of(
        Tensor weight,
        Tensor bias,
        ReadOnlySpan<long> input,
        ReadOnlySpan<long> padding,
        ReadOnlySpan<long> stride,
        ReadOnlySpan<long> dilation,
        long groups
    )
    {
        if (s_program.Value is not { } program || weight.device_type != DeviceType.CPU || weight.dtype != ScalarType.Float32)
            return null;
        object[] shape = [padding[0], padding[1], stride[0], stride[1], dilation[0], dilation[1], groups];
        var packed = (Tensor)program.invoke("pack", [weight, .. shape, input[0], input[1], input[2], input[3]]);
        return new PackedConvolution(packed.DetachFromDisposeScope(), bias.DetachFromDisposeScope(), shape);
    }

    /// <param name="x">[B, In, H, W], float32.</param>
    /// <returns>[B, Out, H', W'], channels last in memory.</returns>
    public Tensor Run(Tensor x) => Run("run", x);

    /// <summary>max(convolution, 0) in one pass.</summary>
    /// <param name="x">As for <see cref="Run(Tensor)"/>, as is what it returns.</param>
    public Tensor Rectified(Tensor x) => Run("rectified", x);

    private Tensor Run(string method, Tensor x)
    {
        var found = (Tensor)s_program.Value!.invoke(method, [x, _weight, _bias, .. _shape]);
        GC.KeepAlive(x);
        GC.KeepAlive(this);
        return found;
    }

    public void Dispose()
    {
        _weight.Dispose();
        _bias.Dispose();
    }

    private static jit.ScriptModule? Load()
    {
        // libtorch has oneDNN on these processors alone; where an operator is missing it would end the process. These operators run it
        // even where it is turned off.
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64 || CacheSizes.TurnedOneDnnOff)
            return null;
        using var file = new MemoryStream();
        using (var archive = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true))
        {
            Add("data.pkl", s_object);
            Add("code/__torch__.py", System.Text.Encoding.ASCII.GetBytes(Program.ReplaceLineEndings("\n")));
            Add("constants.pkl", [0x80, 2, (byte)')', (byte)'.']);
            Add("version", "3\n"u8);

            void Add(string name, ReadOnlySpan<byte> content)
            {
                using var entry = archive.CreateEntry($"convolution/{name}", CompressionLevel.NoCompression).Open();
                entry.Write(content);
            }
        }
        return jit.load(file.ToArray(), DeviceType.CPU);
    }
}
