namespace Tessera.Tests.Torch.Defects;

/// <summary>Functions through which TorchSharp lets libtorch's exception pass: the process ends.</summary>
public sealed class FatalErrors
{
    [Theory]
    [InlineData("matmul", "The warning in docs/torchsharp.md can go.")]
    [InlineData("autograd.grad", "It can leave BannedSymbols.txt.")]
    [InlineData("set_rng_state", "RandomState.Set needn't look at the bytes itself.")]
    public void AnErrorOfLibtorch_EndsTheProcess(string act, string then)
    {
        var (code, output) = ProcessOfItsOwn.Run(act);
        Mended.Not(code != 0 && !output.Contains("alive", StringComparison.Ordinal), $"{act}: its errors are exceptions now", then);
    }

    [Fact]
    public void AnErrorOfLibtorch_ElsewhereIsAnException()
    {
        var (code, output) = ProcessOfItsOwn.Run("mm");
        Assert.Equal(0, code);
        Assert.Equal(["ExternalException", "alive"], output.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries));
    }
}
