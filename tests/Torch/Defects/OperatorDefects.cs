using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Tessera.Tests.Torch.Defects;

/// <summary>Initialisers, operators and functions that TorchSharp gets wrong.</summary>
public sealed class OperatorDefects
{
    [Fact]
    public void TruncNormal_FillsWithOneConstant()
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        var values = nn.init.trunc_normal_(empty(1000), std: 0.02);
        Mended.Not(
            values.min().item<float>() == values.max().item<float>(),
            "nn.init.trunc_normal_",
            "Call it instead of Initialize.TruncatedNormal."
        );
    }

    [Fact]
    public void Var_IgnoresUnbiased()
    {
        using var scope = NewDisposeScope();
        var value = tensor((float[])[1, 2, 3]).var(unbiased: false).item<float>();
        Mended.Not(value == 1, "Tensor.var(unbiased: false)", "It can leave BannedSymbols.txt."); // 2/3 is right
    }

    [Fact]
    public void Hardtanh_ReturnsItsInput()
    {
        using var scope = NewDisposeScope();
        using var hardtanh = nn.Hardtanh(-0.5, 0.8);
        var value = hardtanh.call(tensor(3f)).item<float>();
        Mended.Not(value == 3, "Tensor.hardtanh", "It can leave BannedSymbols.txt.");
    }

    [Fact]
    public void Sum_OverDimensionZeroWrittenAsALiteral_IsAConversionToBytes()
    {
        using var scope = NewDisposeScope();
        var sum = full([2, 2], 200f).sum(0); // C# takes the literal 0 as the enumeration's first value, ScalarType.Byte
        Mended.Not(sum.dim() == 0 && sum.dtype == ScalarType.Byte, "the overloads of Tensor.sum", "sum(0) may be written.");
        Assert.Equal([400f, 400], full([2, 2], 200f).sum(dim: 0).data<float>().ToArray());
    }

    [Fact]
    public void GaussianNllLoss_SumsOverTheFeatures()
    {
        using var scope = NewDisposeScope();
        using var loss = nn.GaussianNLLLoss();
        // Every element's loss is (log 1 + 1 / 1) / 2 = 0.5, and so is the mean; TorchSharp's is the mean over samples of sums of 4.
        var value = loss.call(zeros(3, 4), ones(3, 4), ones(3, 4)).item<float>();
        Mended.Not(Math.Abs(value - 2) < 1e-4, "nn.GaussianNLLLoss", "It can leave BannedSymbols.txt.");
    }

    [Fact]
    public void DisposedTensor_InText_Throws()
    {
        var gone = ones(1);
        gone.Dispose();
        var error = Record.Exception(gone.ToString);
        Mended.Not(error is InvalidOperationException, "the text of disposed tensors", "Messages needn't guard against it.");
    }
}
