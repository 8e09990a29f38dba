using System.Globalization;
using Tessera.Framework.Errors;

namespace Tessera.Framework.Components;

/// <summary>Words the mistakes about components and their options; one method for each kind of mistake.</summary>
internal static class ComponentErrors
{
    private const int MostNames = 40;

    public static string UnknownComponent(
        ComponentKind kind,
        string name,
        IReadOnlyList<string> known,
        ComponentDescription? unfit,
        IReadOnlyList<ComponentDescription> elsewhere
    )
    {
        var list = known.Count == 0 ? $"No {kind.Name} is registered." : $"Known {kind.Plural}: {Some(known)}.";
        if (unfit is not null)
            return $"{name} is {A(kind.Name)}, but not one that fits here.\n{list}";
        if (elsewhere.FirstOrDefault(component => component.Kind.Type != kind.Type) is { } other)
            return $"{name} is {A(other.Kind.Name)}; {A(kind.Name)} is expected here.\n{list}";
        var foreign = ForeignComponents.Find(name) is { } ours
            ? known.Contains(ours.Name) || ours.Name.Length == 0
                ? $" {ours.Text}"
                : ""
            : NearestName.Suggest(name, known);
        return $"No {kind.Name} is named \"{name}\".{foreign}\n{list}";
    }

    public static string NoType(ComponentKind kind, IEnumerable<string> known, bool removed) =>
        $"{(removed ? "Its \"type\" was removed" : "It has no \"type\"")}; {A(kind.Name)} is expected here.\nKnown {kind.Plural}: "
        + $"{Some([.. known])}.";

    public static string UnknownOption(string owner, string name, IReadOnlyList<string> known, ConfigNode? leftover)
    {
        var text = $"{owner} has no {(owner == "The config" ? "key" : "option")} \"{name}\".";
        if (ForeignNames.Option(name, known) is { } foreign)
            text += $" {foreign}";
        else
            text += NearestName.Suggest(name, known);
        text += known.Count == 0 ? " It takes none." : $" It takes {string.Join(", ", known)}.";
        if (leftover is ConfigValue { Replaced: ConfigValue before } type)
        {
            text +=
                $"\nThe type was changed from {before.Text} to {type.Text} in {type.Source}, and this option is {before.Text}'s: "
                + "add \"_delete_\": true there to drop what was inherited.";
        }

        return text;
    }

    public static string MissingOption(string owner, ConfigKey key) => $"{owner} needs \"{key.Name}\": {key.Type.Expected}.";

    public static string UnknownValue(string value, IReadOnlyCollection<string> known) =>
        $"\"{value}\" is none of {string.Join(", ", known)}.{NearestName.Suggest(value, known)}";

    public static string OutOfBounds(string option, ValidationAttribute bound, ConfigNode node)
    {
        var value = node switch
        {
            ConfigList list when bound is MinLengthAttribute or MaxLengthAttribute or LengthAttribute => $"it has {list.Count}",
            _ => $"it is {ConfigWriter.Excerpt(node)}",
        };
        return Bound(bound, node) is { } words
            ? $"\"{option}\" must {words}; {value}."
            : $"{bound.FormatErrorMessage(option).TrimEnd('.')}; {value}.";
    }

    /// <summary>The bound as in "must be at least 1", or null where the attribute words itself.</summary>
    public static string? Bound(ValidationAttribute bound, ConfigNode? node = null)
    {
        var unit = node is ConfigValue ? "character" : "item";
        return bound switch
        {
            RangeAttribute range => Range(range),
            MinLengthAttribute length => $"have at least {Count(length.Length, unit)}",
            MaxLengthAttribute length => $"have at most {Count(length.Length, unit)}",
            LengthAttribute length when length.MinimumLength == length.MaximumLength => $"have {Count(length.MinimumLength, unit)}",
            LengthAttribute length => $"have {length.MinimumLength} to {Count(length.MaximumLength, unit)}",
            AllowedValuesAttribute allowed => "be one of " + string.Join(", ", allowed.Values.Select(Show)),
            DeniedValuesAttribute denied => "not be " + string.Join(", ", denied.Values.Select(Show)),
            _ => null,
        };
    }

    /// <summary>The bound for listings: "at least 1".</summary>
    public static string BoundInShort(ValidationAttribute bound)
    {
        var words = Bound(bound) ?? bound.GetType().Name.Replace("Attribute", "", StringComparison.Ordinal);
        var start =
            words.StartsWith("be ", StringComparison.Ordinal) ? 3
            : words.StartsWith("have ", StringComparison.Ordinal) ? 5
            : 0;
        return words[start..];
    }

    public static string NameTwice(ComponentKind kind, string name, Type first, Type second) =>
        $"Two {kind.Plural} are named \"{name}\": {first.FullName} ({first.Assembly.GetName().Name}) and {second.FullName} "
        + $"({second.Assembly.GetName().Name}).";

    public static string NoKind(Type type) =>
        $"{type.FullName} has [Component], but none of its base classes or interfaces has [ComponentKind].";

    public static string NoConstructor(ComponentDescription component) => $"{component.Type.FullName} has no public constructor.";

    public static string NoRecordConstructor(Type type) => $"{type.FullName} has no public constructor.";

    public static string SeveralRecords(ComponentDescription component) =>
        $"The constructor of {component.Type.FullName} takes several options records; it may take one.";

    public static string OptionTwice(ComponentDescription component, string name) =>
        name == "type"
            ? $"{component.Type.FullName} has an option \"type\"; that key names the component."
            : $"{component.Type.FullName} takes \"{name}\" twice.";

    public static string ComponentAsOption(Type type) =>
        $"{type.Name} is a component. In an options record write ComponentSpec<{type.Name}>, or take it as a constructor parameter of "
        + $"the component.";

    public static string NoOptionType(Type type) =>
        $"{type.FullName} can't be an option. Options are numbers, strings, booleans, enums, lists and maps of them, records, "
        + $"ComponentSpec<T> and IConfigParsable types.";

    /// <summary>The table says where the part comes from, but it isn't there.</summary>
    public static string NoPart(ComponentDescription component, PartSource source) =>
        $"{component.Name} needs {A(NameOf(source.Part))}"
        + (
            source.From.Count == 0
                ? $", which {source.By ?? "whoever builds it"} gives; it isn't given here."
                : $" from the {string.Join(" or the ", source.From.Select(key => $"\"{key}\""))} beside it; there is none here."
        );

    /// <summary>The table doesn't know the parameter, and no service is registered.</summary>
    public static string NothingProvides(ComponentDescription component, Type needed)
    {
        var receives = component.Shape.Receives;
        return $"{component.Name} needs {A(NameOf(needed))}, but no service is one, and {A(component.Kind.Name)} "
            + (receives.Count == 0 ? "gets nothing from its neighbours." : $"gets only {string.Join(", ", receives.Select(NameOf))}.")
            + "\nA plugin can register a service (IPluginServices), or say where the part comes from: [assembly: Receives(…)].";
    }

    /// <summary>A type as in C#: <c>IOptions&lt;MailOptions&gt;</c>.</summary>
    public static string NameOf(Type type) =>
        type.IsGenericType ? $"{type.Name.Split('`')[0]}<{string.Join(", ", type.GenericTypeArguments.Select(NameOf))}>" : type.Name;

    public static string SectionTwice(string key, Type first, Type second) =>
        $"Two records read the section \"{key}\" of a config: {first.FullName} ({first.Assembly.GetName().Name}) and {second.FullName} "
        + $"({second.Assembly.GetName().Name}).";

    public static string SectionIsKey(string key, Type record) =>
        $"{record.FullName} ({record.Assembly.GetName().Name}) reads the section \"{key}\", which is a key of Tessera's own. Give the "
        + "section another name in [ConfigSection].";

    public static string NoSection(string key, Type record, string expected) =>
        $"The config has no \"{key}\", which {record.Assembly.GetName().Name} needs: {expected}.";

    public static string A(string noun) =>
        (noun[0] is 'a' or 'e' or 'i' or 'o' or 'u' or 'A' or 'E' or 'I' or 'O' or 'U' ? "an " : "a ") + noun;

    private static string Range(RangeAttribute range)
    {
        var (low, high) = (
            Convert.ToDouble(range.Minimum, CultureInfo.InvariantCulture),
            Convert.ToDouble(range.Maximum, CultureInfo.InvariantCulture)
        );
        var openBelow = low <= int.MinValue;
        var openAbove = high >= int.MaxValue;
        var above = range.MinimumIsExclusive ? $"be greater than {Show(range.Minimum)}" : $"be at least {Show(range.Minimum)}";
        var below = range.MaximumIsExclusive ? $"less than {Show(range.Maximum)}" : $"at most {Show(range.Maximum)}";
        return (openBelow, openAbove) switch
        {
            (false, true) => above,
            (true, false) => $"be {below}",
            (true, true) => "be finite",
            _ when range is { MinimumIsExclusive: false, MaximumIsExclusive: false } =>
                $"be between {Show(range.Minimum)} and {Show(range.Maximum)}",
            _ => $"{above} and {below}",
        };
    }

    private static string Show(object? value) =>
        value switch
        {
            null => "null",
            string text => ConfigWriter.Quote(text),
            IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
            _ => $"{value}",
        };

    private static string Count(int count, string unit) => count == 1 ? $"1 {unit}" : $"{count} {unit}s";

    private static string Some(IReadOnlyList<string> names) =>
        names.Count <= MostNames
            ? string.Join(", ", names)
            : $"{string.Join(", ", names.Take(MostNames))} and {names.Count - MostNames} more (tools/list-components shows all)";
}
