using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tests.Torch.Defects;

/// <summary>Functions through which TorchSharp lets libtorch's exception pass: the process ends. Each runs in a process of its own.</summary>
public sealed class FatalErrors
{
    internal static IReadOnlyDictionary<string, Action> Acts { get; } = new Dictionary<string, Action>
    {
        ["matmul"] = () => ones(3, 4).matmul(ones(3, 4)),
        ["autograd.grad"] = () => autograd.grad([ones(1, requires_grad: true) * 2], [ones(1, requires_grad: true)]),
        ["set_rng_state"] = () => random.set_rng_state(zeros(3, dtype: ScalarType.Byte)),
        ["attention"] = () => { for (var i = 0; i < 40; i++) new OperatorDefects().AttentionInBfloat16_IsSlowerThanItsParts(); },
        ["mm"] = () => ones(3, 4).mm(ones(3, 4)),
    };

    [Theory]
    [InlineData("matmul", "Say so where docs/torchsharp.md warns authors of models.")]
    [InlineData("autograd.grad", "It can leave BannedSymbols.txt.")]
    [InlineData("set_rng_state", "RandomState.Set needn't look at the bytes itself.")]
    public void AnErrorOfLibtorch_EndsTheProcess(string act, string then)
    {
        var (code, output) = Run(act);
        Mended.Not(code != 0 && !output.Contains("alive", StringComparison.Ordinal), $"{act}: its errors are exceptions now", then);
    }

    [Fact]
    public void AnErrorOfLibtorch_ElsewhereIsAnException()
    {
        var (code, output) = Run("mm");
        Assert.Equal(0, code);
        Assert.Contains("ExternalException", output, StringComparison.Ordinal);
        Assert.Contains("alive", output, StringComparison.Ordinal);
    }

    private static (int Code, string Output) Run(string act)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath is { } path && Path.GetFileNameWithoutExtension(path) == "dotnet" ? path : "dotnet",
            ["exec", typeof(FatalErrors).Assembly.Location, act]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["DOTNET_DbgEnableMiniDump"] = "0";
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(2)), $"{act} does not end");
        _ = errors.Result;
        return (process.ExitCode, output);
    }
}
