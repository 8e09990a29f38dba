using Microsoft.Extensions.Options;

namespace Tessera.Framework.Components;

/// <summary>A section of the config as a service asks for it; read when first asked.</summary>
internal sealed class SectionOptions<TOptions>(ComponentRegistry registry, ConfigDocument document) : IOptions<TOptions>
    where TOptions : class
{
    private TOptions? _value;

    /// <exception cref="UserErrorException">The section has mistakes, or is missing though it has options that must be given.</exception>
    public TOptions Value => _value ??= (TOptions)OptionsBinder.BindSection(registry, document, typeof(TOptions));
}
