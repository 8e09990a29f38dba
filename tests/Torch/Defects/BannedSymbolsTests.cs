using Mono.Cecil;
using Mono.Cecil.Rocks;

namespace Tessera.Tests.Torch.Defects;

public sealed class BannedSymbolsTests
{
    private static readonly string[] s_lines = File.ReadAllLines(Path.Combine(FixtureFile.Repository, "BannedSymbols.txt"));

    [Fact]
    public void EverySymbol_IsAMemberOfTorchSharp() // a misspelt one would ban nothing
    {
        using var assembly = AssemblyDefinition.ReadAssembly(Path.Combine(AppContext.BaseDirectory, "TorchSharp.dll"));
        var types = assembly.MainModule.GetTypes().ToList();
        var known = types
            .Select(DocCommentId.GetDocCommentId)
            .Concat(types.SelectMany(type => type.Methods).Select(DocCommentId.GetDocCommentId))
            .ToHashSet();
        Assert.Equal([], s_lines.Select(line => line.Split(';')[0]).Except(known));
    }

    [Fact]
    public void EverySymbol_SaysWhyAndWhatElse() =>
        Assert.All(s_lines, line => Assert.True(line.Split(';') is [_, { Length: > 20 }], line));

    [Fact]
    public void Torch_CallsWhatItForbids_OnlyWhereItSaysSo()
    {
        // The analyzer reads the sources; this reads what was built, whatever built it.
        var banned = s_lines
            .Where(line => line.StartsWith("M:", StringComparison.Ordinal))
            .Select(line => line[2..].Split('(')[0])
            .Where(name => !name.Contains('`'))
            .Select(name => Conformance.Member.Name(name[..name.LastIndexOf('.')], name[(name.LastIndexOf('.') + 1)..]))
            .Except(["Tensor::var"])
            .ToHashSet();
        var callers = Conformance
            .Assemblies.CallsOfTheProduct()
            .Where(entry => banned.Contains(entry.Key))
            .SelectMany(entry => entry.Value);
        Assert.Equal(
            [
                "Tessera.Torch.Derivatives.Grad",
                "Tessera.Torch.Derivatives.Through",
                "Tessera.Torch.Layers.Norms.GroupNorm",
                "Tessera.Torch.RandomState.Set",
            ],
            callers.Order()
        );
    }
}
