using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Optimization;

namespace Tessera.Tests.Framework.Configuration;

/// <summary>Options that a changed type takes over from the one before it.</summary>
public sealed class InheritedOptionTests : IDisposable
{
    private readonly ConfigFolder _folder = new();
    private readonly ComponentRegistry _registry = new();

    public InheritedOptionTests() => _registry.Add(typeof(OptimizerFactory).Assembly);

    public void Dispose() => _folder.Dispose();

    private IReadOnlyList<string> Find(string child, params string[] overrides)
    {
        _folder.Write("base.json", """{ "optimizer": { "type": "Sgd", "lr": 0.1, "momentum": 0.9, "parameters": ["a*"] } }""");
        return InheritedOptions.Find(_registry, ConfigDocument.Load(_folder.Write("child.json", child), overrides, _ => null));
    }

    [Fact]
    public void Find_TypeKept_Nothing() => Assert.Empty(Find("""{ "_base_": "base.json", "optimizer": { "lr": 0.2 } }"""));

    [Fact]
    public void Find_TypeChanged_NamesPlaceTypesAndRemedy()
    {
        // momentum is none of AdamW's (an error of its own); parameters belongs to every optimizer.
        var found = Assert.Single(Find("""{ "_base_": "base.json", "optimizer": { "type": "AdamW" } }"""));
        Assert.Contains(
            "base.json:1  optimizer.lr\n  lr = 0.1 was written for Sgd; AdamW, which stands there now (",
            found,
            StringComparison.Ordinal
        );
        Assert.Contains("\"_delete_\": true there inherits nothing", found, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "_base_": "base.json", "optimizer": { "type": "AdamW", "lr": 0.1 } }""")]
    [InlineData("""{ "_base_": "base.json", "optimizer": { "lr": 0.1, "type": "AdamW" } }""")]
    [InlineData("""{ "_base_": "base.json", "optimizer": { "type": "AdamW", "_delete_": true, "lr": 0.1 } }""")]
    [InlineData("""{ "_base_": "base.json", "optimizer": { "type": "Sgd" } }""")]
    public void Find_WrittenAgainOrNotInherited_Nothing(string child) => Assert.Empty(Find(child));

    [Fact]
    public void Find_ThereAndBack_Nothing() =>
        Assert.Empty(Find("""{ "_base_": "base.json", "optimizer": { "type": "AdamW" } }""", "optimizer.type=Sgd"));

    [Fact]
    public void Find_FromTheCommandLine()
    {
        var child = """{ "_base_": "base.json" }""";
        Assert.Single(Find(child, "optimizer.type=AdamW"));
        Assert.Empty(Find(child, "optimizer.type=AdamW", "optimizer.lr=0.1"));
        Assert.Empty(Find(child, "optimizer.lr=0.1", "optimizer.type=AdamW"));
    }
}
