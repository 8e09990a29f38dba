using Microsoft.Extensions.DependencyInjection;
using Tessera.Datasets.Loading;
using Tessera.Framework.Data;

namespace Tessera.Datasets;

/// <summary>What the data wing puts into the container, beside its components.</summary>
public static class DatasetServices
{
    /// <summary>Registers the maker of batch loaders.</summary>
    public static IServiceCollection AddDatasets(this IServiceCollection services) =>
        services.AddSingleton<IBatchLoaderFactory, BatchLoaderFactory>();
}
