using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Errors;
using Tessera.Framework.Running;
using static Tessera.Tests.Tools.Documents.PageText;

namespace Tessera.Tests.Tools.Documents;

/// <summary>The changes to configs that pages show can be made.</summary>
public sealed partial class OverrideTests
{
    [Fact]
    public void Overrides_FitTheConfigsThatCommandsName()
    {
        var components = Composition.Registry();
        AssertNone(
            from page in Pages
            from line in Code(Text(page))
            from Match call in ConfigCall().Matches(line)
            where call.Groups[1].Value.StartsWith("configs/", StringComparison.Ordinal) // a sample's plugin may bring keys of its own
            where File.Exists(Path.Combine(Snippets.Repository, call.Groups[1].Value))
            let changes = Change().Matches(call.Groups[2].Value).Select(change => change.Value.Trim('\'')).ToArray()
            where changes.Length > 0
            let mistake = MistakeOf(components, call.Groups[1].Value, changes)
            where mistake is not null
            select $"{page}: {mistake}"
        );
    }

    [Fact]
    public void Overrides_OfConfigsReadmes_FitAConfigOfTheFolder()
    {
        var components = Composition.Registry();
        AssertNone(
            from page in Pages
            where page.StartsWith("configs", StringComparison.Ordinal) && !page.StartsWith("configs/_base_", StringComparison.Ordinal)
            from Match span in Span().Matches(WithoutBlocks(Text(page)))
            let words = span.Groups[1].Value.Split(' ')
            where words.All(word => Change().IsMatch(word))
            let mistakes = Directory
                .GetFiles(Path.Combine(Snippets.Repository, Path.GetDirectoryName(page)!), "*.json")
                .Select(config => MistakeOf(components, Path.GetRelativePath(Snippets.Repository, config), words))
                .ToArray()
            where mistakes.Length > 0 && mistakes.All(mistake => mistake is not null)
            select $"{page}: {mistakes[0]}"
        );
    }

    private static string? MistakeOf(ComponentRegistry components, string config, string[] changes)
    {
        try
        {
            var document = ConfigDocument.Load(Path.Combine(Snippets.Repository, config), changes);
            using var services = new ServiceCollection().BuildServiceProvider();
            new ComponentBuilder(components, services).Bind<RunOptions>(document);
            return null;
        }
        catch (UserErrorException mistake)
        {
            return mistake.Message;
        }
    }

    [GeneratedRegex(@"tools/(?:train|test|doctor|print-config|get-flops) +(\S+\.json)(.*)")]
    private static partial Regex ConfigCall();

    [GeneratedRegex(@"(?<=^|\s)'?[a-z_]+(?:\.[\w""]+)*=(?:\{.*\}'|\S+)")]
    private static partial Regex Change();
}
