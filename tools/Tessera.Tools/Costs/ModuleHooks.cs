using System.Collections.Concurrent;
using System.Linq.Expressions;
using System.Reflection;
using static TorchSharp.torch;

namespace Tessera.Tools.Costs;

/// <summary>Hooks around a module's calls, whatever its inputs and outputs are.</summary>
internal static class ModuleHooks
{
    private static readonly ConcurrentDictionary<Type, Func<Action<nn.Module, object?>, Delegate>> s_observers = new(); // one for each kind of hook

    /// <param name="after">Gets what the module gave, too.</param>
    /// <returns>Takes the hooks off; null where the module is none that is called.</returns>
    public static Action? Around(nn.Module module, Action<nn.Module> before, Action<nn.Module, object?> after)
    {
        // The types of inputs and outputs are those of the module's base class, of which there are many.
        var hookable = module.GetType();
        while (hookable is not null && !(hookable.IsGenericType && hookable.GetGenericTypeDefinition() == typeof(nn.HookableModule<,>)))
            hookable = hookable.BaseType;
        if (hookable is null) return null;
        var afterType = hookable.GetGenericArguments()[1];
        object[] removers =
        [
            hookable.GetMethod("register_forward_pre_hook", [typeof(Action<nn.Module>)])!.Invoke(module, [before])!,
            hookable.GetMethod("register_forward_hook", [afterType])!.Invoke(module, [s_observers.GetOrAdd(afterType, Observer)(after)])!,
        ];
        return () =>
        {
            foreach (var remover in removers) remover.GetType().GetMethod("remove", BindingFlags.Public | BindingFlags.Instance)!.Invoke(remover, null);
        };
    }

    // after => (module, input, …, output) => { after(module, output); return output; }
    private static Func<Action<nn.Module, object?>, Delegate> Observer(Type hook)
    {
        var after = Expression.Parameter(typeof(Action<nn.Module, object?>));
        var parameters = hook.GetMethod("Invoke")!.GetParameters().Select(parameter => Expression.Parameter(parameter.ParameterType)).ToArray();
        var (module, output) = (parameters[0], parameters[^1]);
        var call = Expression.Invoke(after, Expression.Convert(module, typeof(nn.Module)), Expression.Convert(output, typeof(object)));
        return Expression.Lambda<Func<Action<nn.Module, object?>, Delegate>>(Expression.Lambda(hook, Expression.Block(call, output), parameters), after).Compile();
    }
}
