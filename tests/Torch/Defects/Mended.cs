namespace Tessera.Tests.Torch.Defects;

/// <summary>
/// Tests that assert what TorchSharp gets wrong (docs/torchsharp.md lists it). One fails on the day TorchSharp mends it: then our own
/// version can go.
/// </summary>
internal static class Mended
{
    /// <summary>Fails unless the defect is still there.</summary>
    public static void Not(bool stillWrong, string what, string then) =>
        Assert.True(stillWrong, $"TorchSharp has mended {what}. {then} Then delete this test and its row in docs/torchsharp.md.");
}
