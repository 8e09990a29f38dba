using Tessera.Framework.Components;
using Tessera.Framework.Configuration;
using Tessera.Framework.Running;

namespace Tessera;

/// <summary>
/// Options whose defaults have changed (<see cref="EarlierDefaultAttribute"/>). Configs of runs name them all, so that a
/// checkpoint whose config lacks one is known to be older than the option and means what held before.
/// </summary>
public static class EarlierDefaults
{
    /// <summary>A run's config with each such option written out.</summary>
    public static ConfigDocument Stated(ConfigDocument document, ComponentBuilder components) => Stated(document, components.Registry);

    /// <inheritdoc cref="Stated(ConfigDocument, ComponentBuilder)"/>
    public static ConfigDocument Stated(ConfigDocument document, ComponentRegistry registry) =>
        Filled(document, registry, option => option.Now);

    /// <summary>A checkpoint's own config: what it lacks is as it was before the option.</summary>
    public static ConfigDocument OfCheckpoint(ConfigDocument document, ComponentBuilder components) =>
        Filled(document, components.Registry, option => option.Before);

    /// <summary>
    /// A config that goes on with a checkpoint, or evaluates it: an option that it leaves out is the checkpoint's, where that
    /// has the same component in the same place.
    /// </summary>
    /// <param name="saved">The checkpoint's config.</param>
    /// <param name="note">Told which options are not at their present defaults, and which of the model's the config sets otherwise.</param>
    public static ConfigDocument With(ConfigDocument document, ComponentBuilder components, ConfigDocument saved, Action<string> note)
    {
        foreach (var option in ChangedOption.Find<RunOptions>(components.Registry, document))
            if (
                option.Value is { } stated
                && option.Parent.StartsWith("model", StringComparison.Ordinal)
                && Trained(option) is { } trained
                && trained.Text != stated.Text
            )
                note($"{option.Path} is {stated.Text} in the config, but the checkpoint was trained " + $"with {trained.Text}.");
        return Filled(
            document,
            components.Registry,
            option =>
            {
                var now = option.Now;
                if (Trained(option) is not { } value)
                    return now;
                if (value.Text != now?.Text)
                    note(
                        $"{option.Path} is {value.Text}, as the checkpoint was trained: the config "
                            + $"leaves it out, and the default is {now?.Text} now."
                    );
                return value;
            }
        );

        // As the checkpoint has it; null where it has no such component there.
        ConfigValue? Trained(ChangedOption option) =>
            saved.Find(option.Parent) is not ConfigMap place || !SameType(document.Find(option.Parent), place) ? null
            : place[option.Key.Name] is ConfigValue { Kind: not ConfigValueKind.Null } stored
                ? new ConfigValue(option.Place, stored.Kind, stored.Text)
            : option.Before;
    }

    private static ConfigDocument Filled(ConfigDocument document, ComponentRegistry registry, Func<ChangedOption, ConfigValue?> choose) =>
        document.With(
            from option in ChangedOption.Find<RunOptions>(registry, document)
            where option.Value is null
            let value = choose(option)
            where value is not null
            select (option.Path, value)
        );

    private static bool SameType(ConfigNode? present, ConfigMap saved) =>
        present is ConfigMap map && (map["type"] as ConfigValue)?.Text == (saved["type"] as ConfigValue)?.Text;
}
