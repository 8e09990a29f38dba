using Tessera.Framework.Components;
using Tessera.Framework.Running;

namespace Tessera.Tests.Tools;

public sealed class SchemaFileTests
{
    [Fact]
    public void Schema_InConfigs_IsUpToDate()
    {
        var written = File.ReadAllText(Path.Combine(Snippets.Repository, "configs", "schema.json"));
        Assert.True(
            SchemaWriter.Write(Composition.Registry(), typeof(RunOptions)) == written,
            "configs/schema.json doesn't match the registered components. Write it anew: tools/schema");
    }

    [Fact]
    public void Components_AllCanBeDescribed()
    {
        // Reads every constructor, options record and documentation text once.
        foreach (var component in Composition.Registry().All)
        {
            Assert.NotNull(XmlDocs.SummaryOf(component.Type));
            Assert.All(component.Keys, key => Assert.False(string.IsNullOrWhiteSpace(key.TypeName)));
        }
    }
}
