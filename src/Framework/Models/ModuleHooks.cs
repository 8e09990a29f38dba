using System.Collections.Concurrent;
using System.Linq.Expressions;
using System.Reflection;
using System.Runtime.CompilerServices;
using static TorchSharp.torch;

namespace Tessera.Framework.Models;

/// <summary>Hooks around a module's calls, whatever its inputs and outputs are.</summary>
public static class ModuleHooks
{
    // one for each kind of hook
    private static readonly ConcurrentDictionary<Type, Func<Func<nn.Module, object?, object?>, Delegate>> s_hooks = new();

    private static readonly ConcurrentDictionary<Type, Func<Action<nn.Module, object?[]>, Delegate>> s_preHooks = new();

    /// <summary>What a call of the module gives; null where the module is none that is called.</summary>
    public static Type? OutputOf(nn.Module module) => Hookable(module)?.GetGenericArguments()[1].GetMethod("Invoke")!.ReturnType;

    /// <summary>The tensors of what a module gave: one, several, or those of a tuple.</summary>
    public static Tensor[] Tensors(object? output) =>
        output switch
        {
            Tensor tensor => [tensor],
            IEnumerable<Tensor> several => [.. several],
            ITuple tuple => [.. Enumerable.Range(0, tuple.Length).Select(i => tuple[i]).OfType<Tensor>()],
            _ => [],
        };

    /// <summary>Calls <paramref name="change"/> with what the module gave; its users get what that returns, of the same type.</summary>
    /// <returns>Takes the hook off; null where the module is none that is called.</returns>
    public static Action? After(nn.Module module, Func<nn.Module, object?, object?> change)
    {
        if (Hookable(module) is not { } hookable)
            return null;
        var type = hookable.GetGenericArguments()[1];
        return Remover(hookable.GetMethod("register_forward_hook", [type])!.Invoke(module, [s_hooks.GetOrAdd(type, Hook)(change)])!);
    }

    /// <param name="after">Gets what the module gave, too.</param>
    /// <returns>Takes the hooks off; null where the module is none that is called.</returns>
    public static Action? Around(nn.Module module, Action<nn.Module> before, Action<nn.Module, object?> after)
    {
        if (Hookable(module) is not { } hookable)
            return null;
        var first = Remover(hookable.GetMethod("register_forward_pre_hook", [typeof(Action<nn.Module>)])!.Invoke(module, [before])!);
        var second = After(
            module,
            (called, output) =>
            {
                after(called, output);
                return output;
            }
        )!;
        return first + second;
    }

    /// <summary>Calls <paramref name="see"/> with what the module is given, tensors and others (a <see cref="TokenGrid"/>).</summary>
    /// <returns>Takes the hook off; null where the module is none that is called.</returns>
    public static Action? Before(nn.Module module, Action<nn.Module, object?[]> see)
    {
        if (Hookable(module) is not { } hookable)
            return null;
        var type = hookable.GetGenericArguments()[0];
        var hook = s_preHooks.GetOrAdd(type, PreHook)(see);
        return Remover(hookable.GetMethod("register_forward_pre_hook", [type])!.Invoke(module, [hook])!);
    }

    /// <summary>The same, where <paramref name="before"/> gets the tensors that the module is given, too.</summary>
    public static Action? Around(nn.Module module, Action<nn.Module, Tensor[]> before, Action<nn.Module, object?> after)
    {
        if (Before(module, (called, inputs) => before(called, [.. inputs.SelectMany(Tensors)])) is not { } first)
            return null;
        var second = After(
            module,
            (called, output) =>
            {
                after(called, output);
                return output;
            }
        )!;
        return first + second;
    }

    // The types of inputs and outputs are those of the module's base class, of which there are many.
    private static Type? Hookable(nn.Module module)
    {
        var type = module.GetType();
        while (type is not null && !(type.IsGenericType && type.GetGenericTypeDefinition() == typeof(nn.HookableModule<,>)))
            type = type.BaseType;
        return type;
    }

    private static Action Remover(object handle) =>
        () => handle.GetType().GetMethod("remove", BindingFlags.Public | BindingFlags.Instance)!.Invoke(handle, null);

    // change => (module, input, …, output) => (type of output)change(module, output)
    private static Func<Func<nn.Module, object?, object?>, Delegate> Hook(Type hook)
    {
        var change = Expression.Parameter(typeof(Func<nn.Module, object?, object?>));
        var parameters = hook.GetMethod("Invoke")!
            .GetParameters()
            .Select(parameter => Expression.Parameter(parameter.ParameterType))
            .ToArray();
        var (module, output) = (parameters[0], parameters[^1]);
        var call = Expression.Invoke(change, Expression.Convert(module, typeof(nn.Module)), Expression.Convert(output, typeof(object)));
        return Expression
            .Lambda<Func<Func<nn.Module, object?, object?>, Delegate>>(
                Expression.Lambda(hook, Expression.Convert(call, output.Type), parameters),
                change
            )
            .Compile();
    }

    // before => (module, input, …) => { before(module, inputs); return the inputs as they are; }
    private static Func<Action<nn.Module, object?[]>, Delegate> PreHook(Type hook)
    {
        var before = Expression.Parameter(typeof(Action<nn.Module, object?[]>));
        var invoke = hook.GetMethod("Invoke")!;
        var parameters = invoke.GetParameters().Select(parameter => Expression.Parameter(parameter.ParameterType)).ToArray();
        var (module, inputs) = (parameters[0], parameters[1..]);
        var given = Expression.NewArrayInit(typeof(object), inputs.Select(input => Expression.Convert(input, typeof(object))));
        var call = Expression.Invoke(before, Expression.Convert(module, typeof(nn.Module)), given);
        // One input is handed on; for several, nothing returned means that they stay as they are.
        var unchanged = invoke.ReturnType == inputs[0].Type ? inputs[0] : (Expression)Expression.Default(invoke.ReturnType);
        return Expression
            .Lambda<Func<Action<nn.Module, object?[]>, Delegate>>(
                Expression.Lambda(hook, Expression.Block(call, unchanged), parameters),
                before
            )
            .Compile();
    }
}
