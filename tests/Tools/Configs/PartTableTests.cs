using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;

namespace Tessera.Tests.Tools.Configs;

/// <summary>What constructors ask for is what the table and the services give.</summary>
public sealed partial class PartTableTests
{
    [Fact]
    public void Table_InTheDocs_IsTheOneThatHolds()
    {
        var docs = File.ReadAllText(Path.Combine(Snippets.Repository, "docs", "configs.md"));
        var written = Row().Matches(docs).Select(row => (row.Groups[1].Value, row.Groups[2].Value, row.Groups[3].Value));
        var lines = Composition
            .Registry()
            .Parts.Lines.Select(line =>
                (
                    ComponentKind.Of(line.Receiver)!.Name,
                    line.Part.Name,
                    line.From.Count > 0 ? string.Join(", ", line.From.Select(key => $"\"{key}\"")) : line.By!
                )
            );
        Assert.Equal(lines.Order(), written.Order());
    }

    [Fact]
    public void Every_Constructor_AsksForWhatIsGiven()
    {
        using var services = Composition.Services(ConfigDocument.Empty).BuildServiceProvider();
        var known = services.GetRequiredService<IServiceProviderIsService>();
        var asked = services
            .GetRequiredService<ComponentRegistry>()
            .All.SelectMany(component => component.Shape.Parameters.Select(parameter => (component, parameter)))
            .ToList();
        Assert.Contains(asked, pair => pair.parameter.Role == ParameterRole.Part);
        Assert.Empty(
            asked
                .Where(pair =>
                    pair.parameter.Role == ParameterRole.Service
                    && !pair.parameter.Parameter.HasDefaultValue
                    && !known.IsService(pair.parameter.Parameter.ParameterType)
                    && pair.parameter.Parameter.ParameterType != typeof(Session) // a session adds itself
                )
                .Select(pair => $"{pair.component.Name} asks for {pair.parameter.Parameter.ParameterType.Name}")
        );
    }

    [GeneratedRegex(@"^\| ([a-z ]+) \| (IFeatureSource|DataInfo|AttentionShape) \| (.+) \|$", RegexOptions.Multiline)]
    private static partial Regex Row();
}
