using System.Collections.Concurrent;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;

namespace Tessera.Framework.Components;

/// <summary>Reads the XML documentation beside an assembly, when first asked.</summary>
public static partial class XmlDocs
{
    private static readonly ConcurrentDictionary<Assembly, IReadOnlyDictionary<string, XElement>> Files = new();

    /// <summary>The summary of a type, or null.</summary>
    public static string? SummaryOf(Type type) => Text(Member(type.Assembly, "T:" + IdOf(type))?.Element("summary"));

    /// <summary>The remarks of a type: for models, the source paper.</summary>
    public static string? RemarksOf(Type type) => Text(Member(type.Assembly, "T:" + IdOf(type))?.Element("remarks"));

    /// <summary>A constructor parameter, documented at the constructor or (records, primary constructors) at the type.</summary>
    public static string? OfParameter(Type type, string parameter)
    {
        var constructor = Files
            .GetOrAdd(type.Assembly, Read)
            .Where(entry => entry.Key.StartsWith($"M:{IdOf(type)}.#ctor", StringComparison.Ordinal))
            .Select(entry => entry.Value);
        return constructor
            .Prepend(Member(type.Assembly, "T:" + IdOf(type)))
            .Select(member => Text(member?.Elements("param").FirstOrDefault(element => (string?)element.Attribute("name") == parameter)))
            .FirstOrDefault(text => text is not null);
    }

    public static string? OfProperty(PropertyInfo property) =>
        Text(Member(property.DeclaringType!.Assembly, $"P:{IdOf(property.DeclaringType)}.{property.Name}")?.Element("summary"));

    private static XElement? Member(Assembly assembly, string id) => Files.GetOrAdd(assembly, Read).GetValueOrDefault(id);

    private static string IdOf(Type type) => type.FullName!.Replace('+', '.');

    private static Dictionary<string, XElement> Read(Assembly assembly)
    {
        var path = assembly.Location.Length == 0 ? "" : Path.ChangeExtension(assembly.Location, ".xml");
        if (!File.Exists(path))
            return [];
        try
        {
            return XDocument
                .Load(path)
                .Descendants("member")
                .Where(member => member.Attribute("name") is not null)
                .DistinctBy(member => (string)member.Attribute("name")!)
                .ToDictionary(member => (string)member.Attribute("name")!);
        }
        catch (Exception exception) when (exception is XmlException or IOException or UnauthorizedAccessException)
        {
            return []; // listings without texts are still useful
        }
    }

    private static string? Text(XElement? element)
    {
        if (element is null)
            return null;
        var text = new StringBuilder();
        foreach (var node in element.DescendantNodes())
        {
            if (node is XText words)
                text.Append(words.Value);
            else if (
                node is XElement { IsEmpty: true } reference
                && (reference.Attribute("cref") ?? reference.Attribute("name") ?? reference.Attribute("langword")) is { } target
            )
                text.Append(NameOf(target.Value));
        }

        var joined = Blanks().Replace(text.ToString(), " ").Trim();
        return joined.Length == 0 ? null : joined;
    }

    /// <summary>What a reference names: "M:Models.Head.Embed(TorchSharp.torch.Tensor)" is Embed, "T:Models.Head`1" Head.</summary>
    private static string NameOf(string target)
    {
        var end = target.AsSpan().IndexOfAny('(', '{');
        var last = (end < 0 ? target : target[..end]).Split('.')[^1].Split(':')[^1];
        return last.Split('`')[0];
    }

    [GeneratedRegex(@"\s+", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Blanks();
}
