using System.Collections.Concurrent;
using System.Reflection;

namespace TorchSharp;

/// <summary>The instance fields of a module type that may hold components, found once per type: the most derived class first, hidden names left out.</summary>
internal readonly record struct ModuleFields(string Key, FieldInfo Info)
{
    private static readonly ConcurrentDictionary<Type, ModuleFields[]> s_cache = new();

    public static ModuleFields[] Of(Type type) => s_cache.GetOrAdd(type, static type =>
    {
        var fields = new List<ModuleFields>();
        var seen = new HashSet<string>();
        for (var level = type; level is not null && level != typeof(torch.nn.Module); level = level.BaseType)
            foreach (var field in level.GetFields(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.DeclaredOnly))
                if (seen.Add(field.Name) && MayHoldComponent(field.FieldType))
                    fields.Add(new(field.ComponentName(), field));
        return [.. fields];
    });

    private static bool MayHoldComponent(Type type)
        => type.IsInterface || type == typeof(object) || type.IsGenericParameter
        || typeof(torch.nn.Module).IsAssignableFrom(type) || typeof(torch.Tensor).IsAssignableFrom(type)
        || type.IsAssignableFrom(typeof(torch.nn.Module)) || type.IsAssignableFrom(typeof(torch.Tensor));
}
